"""Rules for the family versions: SDK, Python, server and scripts that do not fit each other."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence
from harness.judging.advice import is_cloud, job_sdk_version
from harness.judging.catalogue import version_key
from harness.judging.frameworks import logging_framework
from harness.judging.rule import Hit, Rule
from harness.judging.view import find_lines, made_no_run, python_errors, said, script_note, server_runs

REQUIRE_WARNED = (
    r"`wandb\.require\('(core|service)'\)` is|Using legacy-service, which is deprecated"
    r"|The new W&B backend becomes opt-out in version 0\.18\.0"
)
REQUIRE_REFUSED = r"require\(\) unsupported requirement: "
OLD_WORDS = r"Using wandb-core as the SDK backend|Waiting for W&B process to finish\.\.\. \(success\)"
OLD_PART = {"requirement": "a part of old versions"}
API_FRAME = re.compile(r"wandb/apis/public|wandb/apis/importers")
PIP_FOUND_NONE = (
    r"Could not find a version that satisfies the requirement wandb|No matching distribution found for wandb"
    r"|Package 'wandb' requires a different Python"
)
PIP_LEFT_OUT = (
    r"Ignored the following versions that require a different python version"
    r"|requirement wandb.*\(from versions: (?!none)"
)
OLDEST_PYTHON = (3, 8)
"""wandb 0.19, the guide's, needs 3.8."""
ANCIENT_SDK = (0, 13)
"""What pip finds for Python 3.6 is older than this."""


def yanked(evidence: Evidence) -> Iterator[Hit]:
    """The job ran with the version that was withdrawn."""
    if job_sdk_version(evidence) == "0.26.0" and not made_no_run(evidence):
        yield Hit(id="ver-sdk-yanked-0260", observed=("The job's wandb is 0.26.0.",))


def legacy_service(evidence: Evidence) -> Iterator[Hit]:
    """The script asks for an engine that is gone (an error) or the default (a warning)."""
    if refused := said(evidence, REQUIRE_REFUSED):
        named = re.search(REQUIRE_REFUSED + r"(\S+)", " ".join(refused))
        values = {"requirement": f"wandb.require({named[1]!r})"} if named else OLD_PART
        died = made_no_run(evidence)
        yield Hit(
            id="ver-legacy-service-removed", observed=refused[-1:], values=values, severity="error" if died else None
        )
    elif warned := said(evidence, REQUIRE_WARNED):
        named = re.search(r"wandb\.require\('(\w+)'\)", " ".join(warned))
        values = {"requirement": f"wandb.require({named[1]!r})"} if named else OLD_PART
        # Lightning says it for its spawned ranks: then it is no line of the user's.
        theirs = "info" if logging_framework(evidence) else None
        yield Hit(id="ver-legacy-service-removed", observed=warned, values=values, severity=theirs)


def unknown_setting(evidence: Evidence) -> Iterator[Hit]:
    """wandb.Settings refused a name."""
    text = said(evidence, r"Extra inputs are not permitted")
    # The same words are a warning where a settings file holds the name: then the file is ignored, and nothing raised.
    raised = python_errors(evidence, text=r"validation errors? for Settings")
    about_settings = said(evidence, r"validation errors? for Settings") if raised else ()
    old = tuple(
        f"{e.exception}: {e.message}"
        for e in python_errors(evidence, "TypeError", r"got an unexpected keyword argument")
        if any("wandb_settings.py" in frame for frame in e.frames) or "Settings" in e.message
    )
    if not (text and about_settings) and not old:
        return
    name = _refused_name(evidence, " ".join(old))
    observed = (*about_settings[:1], *text[:1]) if text else old[:1]
    values = {"setting": name or "one of its arguments"}
    yield Hit(id="ver-setting-names", observed=tuple(line.strip() for line in observed), values=values)


def _refused_name(evidence: Evidence, old: str) -> str | None:
    """Find the argument's name: quoted in old messages, on a line of its own in the new ones."""
    if quoted := re.search(r"argument '(\w+)'", old):
        return quoted[1]
    for error in python_errors(evidence, "ValidationError"):
        if found := re.search(r"for Settings\s+(\w+)\s+Extra inputs", error.message):
            return found[1]
    return None


def python_too_old(evidence: Evidence) -> Iterator[Hit]:
    """The interpreter cannot have a usable wandb.

    pip's words alone do not say so: without a way to the index it finds no version either.
    """
    python = evidence.setup.python if evidence.setup else None
    version = python.python_version if python else None
    old = version is not None and version_key(version) < OLDEST_PYTHON
    text = said(evidence, PIP_FOUND_NONE)
    told = re.search(r"different Python: ([\d.]+)", " ".join(text))
    if text and made_no_run(evidence) and (told or old or said(evidence, PIP_LEFT_OUT)):
        values = {"python_version": told[1] if told else version or "here"}
        yield Hit(id="ver-python-too-old", observed=text, values=values)
    elif python and version and old and not server_runs(evidence):
        found = python.wandb_version
        if found is None or version_key(found) < ANCIENT_SDK:
            shown = f"{python.executable} is Python {version}; its wandb: {found or 'none'}."
            yield Hit(id="ver-python-too-old", observed=(shown,), values={"python_version": version})


def server_too_old(evidence: Evidence) -> Iterator[Hit]:
    """A self-hosted server does not know what the SDK asks for."""
    network = evidence.setup.network if evidence.setup else None
    if network and is_cloud(network.base_url):
        return
    version = job_sdk_version(evidence)
    text = said(evidence, r"on this (wandb|W&B) server version")
    if version == "0.27.1":
        text = (*text, *said(evidence, r"relogin required"))
    if text:
        yield Hit(id="ver-server-too-old", observed=text)


def reading_back_failed(evidence: Evidence) -> Iterator[Hit]:
    """The job died in its own wandb.Api() calls."""
    if evidence.job is None or evidence.job.ending != "failed":
        return
    made = not made_no_run(evidence)
    for error in python_errors(evidence):
        reading = any(API_FRAME.search(frame) for frame in error.frames)
        named = re.search(r"^Could not find (run|project) ", error.message)
        kind = error.exception.rpartition(".")[2]
        missing = named and kind in ("CommError", "ValueError") and (reading or made)
        if (kind == "WandbApiFailedError" and reading and made) or missing:
            shown = f"{error.exception}: {error.message}"
            yield Hit(id="ver-api-exceptions-changed", observed=(shown,), values={"exception": kind})
            return


def old_words(evidence: Evidence) -> Iterator[Hit]:
    """The SDK said things that newer ones say in other words."""
    if text := find_lines(evidence, OLD_WORDS, limit=1):
        yield Hit(id="ver-core-banner", observed=text)


def folders_of_reading(evidence: Evidence) -> Iterator[Hit]:
    """The job reads runs back, which leaves empty folders."""
    note = script_note(evidence, "reads_runs")
    if note and server_runs(evidence):
        yield Hit(id="ver-api-creates-dirs", observed=(f"Line {note.line} of the job script: {note.text}",))


def bare_offline_folder(evidence: Evidence) -> Iterator[Hit]:
    """An offline run whose folder lacks the files that an online one has."""
    run = next((r for r in evidence.local.runs if r.offline and r.log.history_rows), None)
    if run and "wandb-metadata.json" not in run.files:
        observed = f"{run.path}/files holds {', '.join(run.files) or 'nothing'}."
        yield Hit(id="ver-offline-files-differ", observed=(observed,), values={"run_dir": run.path})


RULES: tuple[Rule, ...] = (
    yanked, legacy_service, unknown_setting, python_too_old, server_too_old, reading_back_failed,
    old_words, folders_of_reading, bare_offline_folder,
)  # fmt: skip
