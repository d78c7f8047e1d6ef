"""Rules for the family init that look at what a run is given: lengths, a changed config, variables left or misspelt."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from harness.evidence.models import Evidence, LocalRun
from harness.judging.catalogue import catalogue
from harness.judging.duplicates import crowd, listed, made_by_one_process
from harness.judging.families.network.reach import shorten
from harness.judging.rule import Hit, Rule
from harness.judging.view import find_lines, http_troubles, passed_through_sdk, python_errors, said


class Limit(NamedTuple):
    """What may be so long at most, and where it is set."""

    what: str
    most: int
    variable: str


LIMITS: dict[str, Limit] = {
    "name": Limit("The run's name", 128, "WANDB_NAME"),
    "id": Limit("The run's id", 128, "WANDB_RUN_ID"),
    "group": Limit("The group", 128, "WANDB_RUN_GROUP"),
    "job_type": Limit("The job type", 64, "WANDB_JOB_TYPE"),
    "tags": Limit("A tag", 64, "WANDB_TAGS"),
    "project": Limit("The project's name", 128, "WANDB_PROJECT"),
}
"""Characters; those of tags, job type and project as SDK and server say them, the others as the cloud's name limit."""
_COLUMNS = {
    "displayname": "name", "name": "id", "runname": "id", "groupname": "group", "group": "group",
    "jobtype": "job_type",
}  # fmt: skip
"""What the server calls them."""
_TOO_LONG = (
    r"\b(?P<most>\d{1,6}) limit exceeded for (?P<column>\w+)"
    r"|(?i:\b(?P<tag>tag) '.{0,500}?'.{0,100}) must be between 1 and (?P<tag_most>\d+) characters"
    r"|(?P<project>project) name .{0,500}exceeded (?P<project_most>\d+) characters"
    r"|(?i:(?P<artifact>artifact name)) .{0,500}?(?:must be|longer than) (?P<artifact_most>\d+) characters"
    r"|(?P<config>run config) cannot exceed (?P<config_most>\d+ MB)"
    r"|\b(?P<note>\w{1,40}) must be (?P<note_most>\d+) characters or less"
)
"""Bounded, for a line may be a megabyte long."""


def too_long(evidence: Evidence) -> Iterator[Hit]:
    """The SDK, the server or the file system refused a value for its length; of an offline run a later sync will."""
    # A traceback shows the line that raises the error, too.
    printed = [line for line in said(evidence, _TOO_LONG, limit=4) if not line.strip().startswith("raise ")][:2]
    words = tuple(printed) or tuple(
        t.text for t in http_troubles(evidence) if t.status == 400 and re.search(_TOO_LONG, t.text)
    )
    if words and (match := re.search(_TOO_LONG, "\n".join(words))):
        yield _refused(evidence, match, words)
        return
    for error in python_errors(evidence, r"OSError$", r"File name too long"):
        if passed_through_sdk(error) and "/run-" in error.message:
            observed = shorten(f"{error.exception}: {error.message}")
            yield _hit(evidence, "id", (observed,), "Its run directory carries the id in its name.")
            return
    yield from _offline_too_long(evidence)


def _refused(evidence: Evidence, match: re.Match[str], words: tuple[str, ...]) -> Hit:
    found = {name: value for name, value in match.groupdict().items() if value}
    kind = _COLUMNS.get(found.get("column", "").lower(), "") or next(
        (known for name, known in (("tag", "tags"), ("project", "project")) if name in found), ""
    )
    if kind:
        return _hit(evidence, kind, tuple(map(shorten, words)))
    what = next((found[n] for n in ("column", "artifact", "config", "note") if n in found), "a value").lower()
    most = next(value for name, value in found.items() if name.endswith("most"))
    unit = "" if "MB" in most else " characters"
    values = {"value": f"The {what}", "limit": f"{most}{unit}", "where": "in the script"}
    # An artifact is made while the run goes on.
    fails = ("test_job_completed",) if "artifact" in found else None
    return Hit(id="init-value-too-long", observed=tuple(map(shorten, words)), values=values, fails=fails)


def _hit(evidence: Evidence, kind: str, observed: tuple[str, ...], *more: str, severity: str | None = None) -> Hit:
    limit = LIMITS[kind]
    where = f"in {limit.variable} or in wandb.init({kind}=…)"
    variables = evidence.setup.place.variables if evidence.setup else {}
    values = {
        "value": limit.what, "limit": f"{limit.most} characters", "where": where, "argument": kind,
        "most": str(limit.most), "variable": limit.variable,
        "variable_set": "yes" if len(variables.get(limit.variable, "")) > limit.most else "no",
    }  # fmt: skip
    return Hit(
        id="init-value-too-long", observed=(*observed, *more), values=values,
        severity="warning" if severity == "warning" else None,
    )  # fmt: skip


def _offline_too_long(evidence: Evidence) -> Iterator[Hit]:
    """An offline run's record, which nobody has checked yet."""
    for run in evidence.local.runs:
        for kind, value in _given(run):
            if run.offline and len(value) > LIMITS[kind].most:
                seen = f"{LIMITS[kind].what} has {len(value)} characters: {value[:40]}…"
                yield _hit(evidence, kind, (seen, "The run is offline: the server will refuse it when it is synced."),
                           severity="warning")  # fmt: skip
                return


def _given(run: LocalRun) -> Iterator[tuple[str, str]]:
    facts = run.log.run
    if facts:
        yield from (("name", facts.display_name), ("group", facts.group), ("job_type", facts.job_type))
        yield from (("id", facts.run_id), ("project", facts.project))
        yield from (("tags", tag) for tag in facts.tags)


CHANGED = r"Attempted to change value of key \"?(?P<key>[^\"\n]+?)\"? from (?P<old>.*?) to (?P<new>.*)"


def config_changed(evidence: Evidence) -> Iterator[Hit]:
    """The config holds a value already, and the script gave it another one."""
    for error in python_errors(evidence, r"ConfigError$", r"Attempted to change value"):
        match = re.search(CHANGED, error.message)
        resumed = any(r.log.run and r.log.run.resumed for r in evidence.local.runs) or find_lines(
            evidence, r"wandb: Resuming run ", limit=1
        )
        why = ("The run was resumed, with the config that it had.",) if resumed else ()
        place = tuple(frame for frame in error.frames if "-packages/wandb/" not in frame)[-1:]
        values = {"key": match["key"], "old": match["old"], "new": match["new"]} if match else {}
        yield Hit(
            id="init-config-changed-on-resume", values=values,
            observed=(shorten(f"{error.exception}: {error.message}"), *place, *why),
        )  # fmt: skip
        return


SWEEP = "WANDB_SWEEP_ID"
_AGENT = r"(?i)starting wandb agent|wandb agent\b|Agent Starting Run|Create sweep with ID|Agent received command"


def stale_sweep(evidence: Evidence) -> Iterator[Hit]:
    """A run that counts as a sweep's, which no agent started."""
    setup = evidence.setup
    variables = setup.place.variables if setup else {}
    # The agent names the file with a trial's parameters, or runs in the process itself.
    agent = "WANDB_SWEEP_PARAM_PATH" in variables or bool(setup and setup.script.runs_agent)
    named = variables.get(SWEEP) or next((r.log.run.sweep_id for r in evidence.local.runs if r.log.run), "")
    if not named or agent or find_lines(evidence, _AGENT, limit=1):
        return
    where = f"{SWEEP}={named} is in the environment." if SWEEP in variables else f"The run belongs to sweep {named}."
    ignored = find_lines(evidence, r"Ignoring .* when running a sweep", limit=2)
    # Of a run that was to go on under its id, each start made another one.
    again = made_by_one_process(crowd(evidence)) and find_lines(evidence, r"Ignoring run_id .* when running a sweep", 1)
    fails = (*catalogue()["init-stale-sweep"].fails, "test_exactly_one_run") if again else None
    yield Hit(id="init-stale-sweep", observed=(where, *map(shorten, ignored)), values={"sweep": named}, fails=fails)


def unknown_variable(evidence: Evidence) -> Iterator[Hit]:
    """Variables of which the SDK reads none, and each is nearly one that it reads."""
    found = evidence.setup.unread_variables if evidence.setup else ()
    if found:
        observed = tuple(f"{v.name} (in the {v.where}) is probably meant as {v.meant}." for v in found)
        values = {
            "variable": listed(v.name for v in found),
            "misspelt": found[0].name,
            "meant": found[0].meant,
            "misspelt_in": found[0].where,
        }
        yield Hit(id="init-unknown-variable", observed=observed, values=values)


RULES: tuple[Rule, ...] = (too_long, config_changed, stale_sweep, unknown_variable)
