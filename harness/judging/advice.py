"""Values and conditions that advice is fitted with: the user's own names, the SDK version, the place."""

import operator
import re
import shlex
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from harness.evidence.models import Evidence
from harness.judging.catalogue import version_key
from harness.judging.frameworks import framework_values, logging_framework

_COMPARE: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip

ACCOUNT_OF_THE_GROUPS = "$(id -Gn | grep -o 'project_[0-9]*' | head -n 1)"
"""On LUMI, a project is a group of its members: bash finds out what the evidence does not know."""
DEFAULT_ENTITY = "import wandb; print(wandb.Api().default_entity)"
PASTE_NEW_KEY = (
    "(umask 077; read -rsp 'Paste the key: ' key; printf '%s\\n' \"$key\" > ~/.wandb_key); "
    "export WANDB_API_KEY=\"$(tr -d '[:space:]' < ~/.wandb_key)\""
)
"""One line of bash, for `read` would take a second one that is pasted with it for the key."""
PASTE_KEY = f"[ -s ~/.wandb_key ] || {PASTE_NEW_KEY}"
"""The same where no key was refused yet: one that is kept already is taken."""


def job_sdk_version(evidence: Evidence) -> str | None:
    """The SDK version that the job had: from its logs or its run, else from the job's interpreter."""
    for run in evidence.local.runs:
        if found := run.log.sdk_version or run.sdk_logs.sdk_version:
            return found
    for server_run in evidence.server.runs:
        if server_run.sdk_version:
            return server_run.sdk_version
    if evidence.job and evidence.job.output.sdk_versions:
        return evidence.job.output.sdk_versions[0]
    python = evidence.setup.python if evidence.setup else None
    return python.wandb_version if python else None


def common_values(evidence: Evidence) -> dict[str, str]:
    """Names to fill advice with; a name that is not known becomes a placeholder in angle brackets."""
    setup = evidence.setup
    network = setup.network if setup else None
    viewer = network.viewer if network else None
    base_url = _base_url(evidence)
    credentials = setup.credentials if setup else None
    run = evidence.local.runs[0] if evidence.local.runs else None
    python = (setup.python.executable if setup and setup.python else None) or "python"
    account = evidence.job.slurm.account if evidence.job and evidence.job.slurm else None
    return {
        "base_url": base_url,
        "host": urlsplit(base_url).netloc or "api.wandb.ai",
        "authorize_url": f"{'https://wandb.ai' if is_cloud(base_url) else _pages(base_url)}/authorize",
        "username": viewer.username if viewer else "<user>",
        "own_entity": viewer.username if viewer else f"$({shlex.quote(python)} -c {shlex.quote(DEFAULT_ENTITY)})",
        "entity": (network.entity if network else None) or (viewer.entity if viewer else None) or "<entity>",
        "project": (network.project if network else None) or _project(evidence) or "<project>",
        "teams": ", ".join(viewer.teams) if viewer and viewer.teams else "<none>",
        "netrc": (credentials.netrc_path if credentials else None) or "~/.netrc",
        "home": (credentials.home if credentials else None) or "$HOME",
        "script": evidence.request.job_path or "your training script",
        "cwd": (setup.place.cwd if setup else "") or ".",
        "wandb_dir": (setup.place.wandb_dir if setup else "") or ".",
        "run_dir": run.path if run else _run_directory(evidence),
        "sdk_version": job_sdk_version(evidence) or "<unknown>",
        "wandb": evidence.request.wandb,
        "paste_key": PASTE_KEY,
        "paste_new_key": PASTE_NEW_KEY,
        "check": evidence.request.command,
        "node_named": (evidence.job.slurm.nodes or ("my node",))[0]
        if evidence.job and evidence.job.slurm
        else "my node",
        "python": python,
        "world_size": str(evidence.request.world_size or "<ranks>"),
        "account": account or "project_<number>",
        "scratch": f"/scratch/{account or ACCOUNT_OF_THE_GROUPS}",
        "partition": (evidence.job.slurm.partition if evidence.job and evidence.job.slurm else None) or "<partition>",
        **framework_values(evidence),
        "slurm_job_id": slurm_job(evidence) or "<job id>",
    }


def _run_directory(evidence: Evidence) -> str:
    """The run's directory, below the folder in which the job ran, where it was not seen; the SDK links the newest."""
    run_id = next((run.id for run in evidence.server.runs), "")
    return f"$(ls -d wandb/*run-*-{run_id} | tail -n 1)" if re.fullmatch(r"[\w-]+", run_id) else "wandb/latest-run"


def slurm_job(evidence: Evidence) -> str | None:
    """The Slurm job that the run was made in: as Slurm told, else as the SDK recorded."""
    if evidence.job and evidence.job.slurm:
        return evidence.job.slurm.job_id
    logged = (run.log.environment.slurm.get("job_id") for run in evidence.local.runs if run.log.environment)
    return next(filter(None, (*(run.slurm_job_id for run in evidence.server.runs), *logged)), None)


def _project(evidence: Evidence) -> str | None:
    """The project that the job used, where it said so."""
    links = evidence.job.output.links if evidence.job else ()
    if links:
        return links[0].project
    found = (r.log.run.project for r in evidence.local.runs if r.log.run and r.log.run.project)
    return next(found, None) or next((r.project for r in evidence.server.runs), None)


def is_cloud(base_url: str) -> bool:
    """Whether the address is the public server's: wandb.ai, or the address that SDK 0.31 has as its default."""
    host = urlsplit(base_url).hostname or ""
    return f".{host}".endswith((".wandb.ai", ".forge.coreweave.com"))


def _pages(base_url: str) -> str:
    """Where the server has its pages, as the SDK derives it from the address of the API."""
    return base_url.replace("://api.wandb.", "://wandb.").replace("://api.", "://app.")


def _base_url(evidence: Evidence) -> str:
    """The server of the setup; without one, that of the run that was read."""
    if evidence.setup:
        return evidence.setup.network.base_url
    page = urlsplit(next((run.url for run in evidence.server.runs), ""))
    own = f"{page.scheme}://{page.netloc}"
    return own if page.netloc and not is_cloud(own) else "https://api.wandb.ai"


def applies(condition: str | None, evidence: Evidence, values: Mapping[str, str] | None = None) -> bool:
    """Whether a piece of advice fits the place, the server, the SDK version and what a rule found out (`name=value`).

    Raises:
        ValueError: the condition names nothing known.
    """
    known = values or {}
    return condition is None or all(_holds(part.strip(), evidence, known) for part in condition.split(" and "))


def _holds(part: str, evidence: Evidence, values: Mapping[str, str]) -> bool:
    if part.startswith("not "):
        return not _holds(part[4:], evidence, values)
    if match := re.fullmatch(r"(given|set) (\w+)", part):
        variables = evidence.setup.place.variables if evidence.setup else {}
        return bool(values.get(match[2])) if match[1] == "given" else match[2] in variables
    if match := re.fullmatch(r"(\w+)=([\w-]*)", part):
        return values.get(match[1], "") == match[2]
    if match := re.fullmatch(r"sdk\s*(<=|>=|<|>)\s*([\d.]+)", part):
        version = job_sdk_version(evidence)
        return version is not None and _COMPARE[match[1]](version_key(version), version_key(match[2]))
    setup = evidence.setup
    base_url = _base_url(evidence)
    facts = {
        "lumi": evidence.request.target == "slurm" or bool(setup and setup.place.login_node),
        "local": evidence.request.target == "local",
        "slurm": evidence.request.target == "slurm" or slurm_job(evidence) is not None,
        "container": bool(setup and setup.place.container) or evidence.request.target == "slurm",
        "loopback": evidence.request.server == "loopback",
        "cloud": is_cloud(base_url),
        "self_hosted": not is_cloud(base_url),
        "job": evidence.request.source == "job",
        "batch": evidence.request.job_kind == "batch",
        "offline": evidence.request.offline,
        "ran": bool(evidence.local.runs),
        "server_in_script": bool(setup and "base_url" in setup.script_names),
        "entity_in_script": bool(setup and "entity" in setup.script_names),
        "framework": logging_framework(evidence) is not None,
        "key_here": bool(setup and setup.credentials.winning),
    }
    if part not in facts:
        raise ValueError(f"advice condition {part!r} is not known")
    return facts[part]
