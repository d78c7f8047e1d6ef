"""The batch script: the guide's, rendered from one template."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.redaction.redactor import strip_control
from harness.settings.model import SettingsError, SlurmSettings
from harness.settings.site import Site

MARKS = ("WANDB_TAGS", "WANDB_RUN_GROUP", "WANDB_MODE")
"""Variables of the job that the script sets itself, so that whoever reads it sees them; never a key."""

SHORT = {"A": "account", "p": "partition", "o": "output", "e": "error", "N": "nodes", "t": "time", "J": "job-name",
         "D": "chdir", "n": "ntasks", "c": "cpus-per-task", "G": "gpus", "a": "array"}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What a batch script is to start, and where."""

    slurm: SlurmSettings
    site: Site
    script: Path
    args: tuple[str, ...] = ()
    module: str | None = None
    """The module that is started in place of the script."""
    chdir: Path = field(default_factory=Path.cwd)
    container: Path | None = None
    account: str | None = None
    output: str = "slurm-%j.out"
    marker: Path | None = None
    """A file that the job makes when it ends."""
    probe: Path | None = None
    """The script that asks each node about its GPUs; its answers go beside it, a file for each node."""
    variables: Mapping[str, str] = field(default_factory=dict)
    name: str = "wandb-verification"

    @property
    def whole_node(self) -> bool:
        """Whether each node is used whole: only then may ranks be bound to cores."""
        return self.slurm.gpus >= self.site.gpus_per_node


def render(plan: Plan) -> str:
    """Return the text of the batch script."""
    site, slurm = plan.site, plan.slurm
    by_srun = slurm.launcher == "srun"
    from jinja2 import Environment, PackageLoader, StrictUndefined  # the watch reads scripts and writes none

    environment = Environment(
        loader=PackageLoader("harness.targets.slurm", "."),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - a shell script, no HTML; values are quoted for the shell
        keep_trailing_newline=True,
    )
    return environment.get_template("batch.sh.j2").render(
        slurm=slurm,
        site=site,
        name=plan.name,
        account=plan.account,
        many=slurm.nodes > 1,
        whole_node=plan.whole_node,
        tasks_per_node=slurm.gpus if by_srun else 1,
        cpus_per_task=site.cores_per_gpu * (1 if by_srun else slurm.gpus),
        memory_gb=site.memory_per_gpu_gb * slurm.gpus,
        output=_sbatch_quoted(plan.output),
        marker=shlex.quote(str(plan.marker)) if plan.marker else None,
        probe=shlex.quote(str(plan.probe)) if plan.probe else None,
        answers=shlex.quote(str(plan.probe.parent)) if plan.probe else None,
        variables={k: shlex.quote(v) for k, v in plan.variables.items()},
        container=shlex.quote(str(plan.container or site.container)),
        script=shlex.quote(str(plan.script)),
        module=plan.module,
        args="".join(f" {shlex.quote(a)}" for a in plan.args),
        chdir=shlex.quote(str(plan.chdir)),
    )


def _sbatch_quoted(text: str) -> str:
    """Quote a value of a #SBATCH line, which Slurm splits like a shell.

    Raises:
        SettingsError: a line break would end the line and begin another.
    """
    if strip_control(text) != text or "\n" in text:
        raise SettingsError(f"--report: {text!r} holds a line break or control character; name another folder.")
    return text if re.fullmatch(r"[\w@%+=:,./-]+", text) else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def escaped(path: Path) -> str:
    """Return a path for --output: Slurm replaces %j and the like, so a per cent sign stands doubled."""
    return str(path).replace("%", "%%")


def directives(text: str) -> dict[str, str]:
    """Return the long options of a batch script's #SBATCH lines; short ones under their long names."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            break  # Slurm stops reading at the first command
        if line.startswith("#SBATCH"):
            found |= options_of(shlex.split(line[len("#SBATCH") :], comments=True))
    return found


def options_of(words: Sequence[str]) -> dict[str, str]:
    """Return sbatch's options among these words; short ones under their long names."""
    found: dict[str, str] = {}
    for i, word in enumerate(words):
        following = words[i + 1] if i + 1 < len(words) and not words[i + 1].startswith("-") else ""
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            found[name] = value if equals else following
        elif word.startswith("-") and word[1:2] in SHORT:
            found[SHORT[word[1]]] = word[2:] or following
    return found


def hours(limit: str) -> float:
    """Turn a Slurm time limit into hours: minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM, D-HH:MM:SS."""
    days, dash, rest = limit.rpartition("-")
    parts = [int(p) for p in rest.split(":")]
    if dash:
        h, m, s = (*parts, 0, 0, 0)[:3]
        return int(days) * 24 + h + m / 60 + s / 3600
    if len(parts) == 3:
        return parts[0] + parts[1] / 60 + parts[2] / 3600
    m, s = (*parts, 0)[:2]
    return m / 60 + s / 3600


def gpu_hours(slurm: SlurmSettings, site: Site) -> float:
    """Return what the job costs at most, in GPU-hours, if it runs to its time limit."""
    whole = slurm.partition in site.whole_node_partitions
    gpus = site.gpus_per_node if whole else slurm.gpus
    return slurm.nodes * gpus * site.gpu_hours_per_gpu * hours(slurm.time)
