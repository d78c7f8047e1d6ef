"""Rules for the family init: the server was reached, and wandb.init() still made no run."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence, Job
from harness.judging.advice import job_sdk_version
from harness.judging.catalogue import version_key
from harness.judging.families.init.framework import RULES as FRAMEWORK_RULES
from harness.judging.families.init.install import RULES as INSTALL_RULES
from harness.judging.families.init.script import RULES as SCRIPT_RULES
from harness.judging.families.init.settings import RULES as SETTINGS_RULES
from harness.judging.families.init.values import RULES as VALUE_RULES
from harness.judging.families.network.reach import init_succeeded, is_graphql, main_failure, shorten
from harness.judging.rule import Hit, Rule
from harness.judging.view import http_troubles, said, sdk_log_lines

TIMED_OUT = (
    r"Run initialization has timed out|Timed out initializing run|Timed out while retrying"
    r"|Error communicating with wandb process"
)
DELETED = r"was previously created and deleted"
# Bare since 0.28.2: the server's words alone. "Permission denied: '/path'" is the operating system's.
FORBIDDEN = (
    r"(CommError: |wandb: ERROR |^)permission denied$|returned error 403|\(Error 403: Forbidden\)"
    r"|do not have permission to access the requested resource"
)
UNKNOWN_ENTITY = r"\bentity (\S+) not found"


def _answered(evidence: Evidence, status: int, words: str) -> tuple[str, ...]:
    """What shows that the server answered wandb.init() with this status: lines of output, then requests."""
    printed = said(evidence, words)
    requests = [
        f"{t.path or 'the server'} answered HTTP {status}: {t.text}"
        for t in http_troubles(evidence)
        if t.status == status and is_graphql(t)
    ]
    logged_in = bool(evidence.job and evidence.job.output.logins)
    told = [r for r in requests if logged_in or re.search(words, r) or "upsertBucket" in r]
    return tuple(dict.fromkeys(shorten(w) for w in (*printed[:2], *told[:1])))


def entity_forbidden(evidence: Evidence) -> Iterator[Hit]:
    """The server knows the key and does not let it write there."""
    network = evidence.setup.network if evidence.setup else None
    if init_succeeded(evidence):
        return
    observed = _answered(evidence, 403, FORBIDDEN)
    access = network.project_access if network else "unknown"
    if not observed and access in ("forbidden", "read_only"):
        step = network.step("project") if network else None
        words = step.trouble.text if step and step.trouble else access.replace("_", " ")
        observed = (f"The server says of this project: {words}.",)
    if observed:
        yield Hit(id="init-entity-403", observed=observed, values=_target(evidence))


def _target(evidence: Evidence) -> dict[str, str]:
    """Entity and project that the run was meant for: the job's own settings first, then those of its surroundings."""
    logged = [run.sdk_logs.settings for run in evidence.local.runs]
    facts = [run.log.run for run in evidence.local.runs if run.log.run]
    network = evidence.setup.network if evidence.setup else None
    entities = (*(f.entity for f in facts), *(s.get("entity") for s in logged), network and network.entity)
    projects = (*(f.project for f in facts), *(s.get("project") for s in logged), network and network.project)
    entity = next((str(e) for e in entities if e), None)
    project = next((str(p) for p in projects if p), None)
    values = {"target": "/".join(p for p in (entity, project) if p) or "this project"}
    return values | ({"entity": entity} if entity else {}) | ({"project": project} if project else {})


def entity_unknown(evidence: Evidence) -> Iterator[Hit]:
    """The server knows no user or team of that name."""
    if init_succeeded(evidence):
        return
    network = evidence.setup.network if evidence.setup else None
    observed = _answered(evidence, 404, UNKNOWN_ENTITY)
    match = re.search(UNKNOWN_ENTITY, "\n".join(observed))
    if observed:
        named = {"entity": match[1]} if match else {}
        yield Hit(id="init-entity-404", observed=observed, values=_target(evidence) | named)
    elif network and network.project_access == "no_such_entity":
        observed = (f"The server has no user or team named {network.entity}.",)
        yield Hit(id="init-entity-404", observed=observed, values=_target(evidence))


def deleted_run_id(evidence: Evidence) -> Iterator[Hit]:
    """409 for an id that was deleted."""
    if init_succeeded(evidence):
        return
    observed = _answered(evidence, 409, DELETED)
    if observed:
        match = re.search(r"run (\S+) was previously", "\n".join(observed))
        run_id = f": {match[1]}" if match else ""
        yield Hit(id="init-deleted-run-id", observed=observed, values={"run_id": run_id})


# The second wording of each is that of 0.31.
RESUME = {
    "init-resume-must-missing": r"The value 'must' is not a valid option for resuming"
    r"|your `resume` setting requires an existing run",
    "init-resume-never-exists": r"The value 'never' is not a valid option for resuming"
    r"|your `resume` setting does not allow resuming an existing run",
}


def resume_refused(evidence: Evidence) -> Iterator[Hit]:
    """The run is not there though it must be, or is there though it must not."""
    for fault, words in RESUME.items():
        if observed := said(evidence, words, limit=1):
            yield Hit(id=fault, observed=tuple(map(shorten, observed)))


def timed_out(evidence: Evidence) -> Iterator[Hit]:
    """wandb.init() timed out and no other rule of reach knows why."""
    observed = said(evidence, TIMED_OUT, limit=1)
    if not observed or init_succeeded(evidence):
        return
    failure = main_failure(evidence)
    if failure and failure.kind not in ("timeout", "reset"):
        return
    retried = sdk_log_lines(evidence, r"retrying|failed to init run", limit=2)
    read = any(run.sdk_logs.sdk_version or run.sdk_logs.lines or run.sdk_logs.http for run in evidence.local.runs)
    decides = () if read else ("The SDK's debug-internal.log was not read; it would tell the cause.",)
    yield Hit(id="init-timeout-generic", observed=(shorten(observed[0]), *map(shorten, retried), *decides))


FIRST_HANG, LAST_HANG = (0, 20, 0), (0, 28, 2)  # hangs seen in 0.24 and 0.26; not in 0.19.5, not in 0.28.2


def hung_after_timeout(evidence: Evidence) -> Iterator[Hit]:
    """The error of wandb.init() is in the output, and the job ran on until it was stopped."""
    job, version = evidence.job or Job(), version_key(job_sdk_version(evidence) or "")
    observed = said(evidence, TIMED_OUT, limit=1)
    stopped = job.stopped_by_harness or job.ending in ("timeout", "cancelled")
    if observed and stopped and not init_succeeded(evidence) and FIRST_HANG <= version < LAST_HANG:
        end = job.stopped_by_harness or "The job ran until it was stopped."
        yield Hit(id="init-hang-after-timeout", observed=(shorten(observed[0]), end))


RULES: tuple[Rule, ...] = (
    timed_out, hung_after_timeout, deleted_run_id, entity_forbidden, entity_unknown, resume_refused,
    *INSTALL_RULES, *SCRIPT_RULES, *SETTINGS_RULES, *VALUE_RULES, *FRAMEWORK_RULES,
)  # fmt: skip
