"""Rules for the family versions: SDK, Python, server and scripts that do not fit each other."""

import re
from collections.abc import Iterator

from harness.diagnosis.context import is_cloud, job_sdk_version
from harness.diagnosis.engine_types import Rule
from harness.diagnosis.entries import version_key
from harness.diagnosis.model import Hit
from harness.diagnosis.view import made_no_run, python_errors, said, server_runs
from harness.evidence.models import Evidence

REQUIRE_WARNED = (
    r"`wandb\.require\('(core|service)'\)` is|Using legacy-service, which is deprecated"
    r"|The new W&B backend becomes opt-out in version 0\.18\.0"
)
REQUIRE_REFUSED = r"require\(\) unsupported requirement: "
API_FRAME = re.compile(r"wandb/apis/public|wandb/apis/importers")
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
        died = made_no_run(evidence)
        yield Hit(id="ver-legacy-service-removed", observed=refused, severity="error" if died else None)
    elif warned := said(evidence, REQUIRE_WARNED):
        yield Hit(id="ver-legacy-service-removed", observed=warned)


def unknown_setting(evidence: Evidence) -> Iterator[Hit]:
    """wandb.Settings refused a name."""
    text = said(evidence, r"Extra inputs are not permitted")
    about_settings = said(evidence, r"validation errors? for Settings")
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
    """The interpreter cannot have a usable wandb."""
    text = said(
        evidence,
        r"Could not find a version that satisfies the requirement wandb|No matching distribution found for wandb"
        r"|Package 'wandb' requires a different Python",
    )
    python = evidence.setup.python if evidence.setup else None
    version = python.python_version if python else None
    told = re.search(r"different Python: ([\d.]+)", " ".join(text))
    values = {"python_version": told[1] if told else version or "here"}
    if text and made_no_run(evidence):
        yield Hit(id="ver-python-too-old", observed=text, values=values)
    elif python and version and version_key(version) < OLDEST_PYTHON and not server_runs(evidence):
        found = python.wandb_version
        if found is None or version_key(found) < ANCIENT_SDK:
            shown = f"{python.executable} is Python {version}; its wandb: {found or 'none'}."
            yield Hit(id="ver-python-too-old", observed=(shown,), values=values)


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
    """The job made its run and died in its own wandb.Api() calls."""
    if evidence.job is None or evidence.job.ending != "failed" or made_no_run(evidence):
        return
    for error in python_errors(evidence):
        reading = any(API_FRAME.search(frame) for frame in error.frames)
        named = re.search(r"^Could not find (run|project) ", error.message)
        kind = error.exception.rpartition(".")[2]
        if (kind == "WandbApiFailedError" and reading) or (named and kind in ("CommError", "ValueError")):
            shown = f"{error.exception}: {error.message}"
            yield Hit(id="ver-api-exceptions-changed", observed=(shown,), values={"exception": kind})
            return


RULES: tuple[Rule, ...] = (
    yanked, legacy_service, unknown_setting, python_too_old, server_too_old, reading_back_failed,
)  # fmt: skip
