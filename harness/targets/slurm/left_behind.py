"""Reads what a job left that was submitted by hand: its options, its output files, its folder and its script."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from harness.evidence.redaction.redactor import REDACTED, Redactor
from harness.evidence.setup.surroundings import shown_variables
from harness.targets.slurm.script import directives, options_of

ENVIRONMENT = re.compile(
    r"--cleanenv|--containall|--contain\b|\benv -i\b|\benv --ignore-environment\b|\bunset WANDB\w*"
)
"""What takes variables away between sbatch and the script."""
MODULES = re.compile(r"\b(?:module|ml)\s+(?:--?\w+\s+)*(?:purge|reset|restore|unload\s+[^\s;&|]+)")
"""What takes away the variables that modules had set, and no others."""
ASSIGNED = re.compile(
    r"(?:^|[\s;,=\"'])(?:(?:SINGULARITY|APPTAINER)ENV_)?(WANDB_[A-Z_]+)=(\"[^\"]*\"|'[^']*'|(?:(?!,WANDB_)[^\s;&|])*)"
)


@dataclass(frozen=True)
class LeftBehind:
    """What Slurm and the disk tell of a job beside its state."""

    options: Mapping[str, str] = field(default_factory=dict)
    """Those of the command line over those of the script."""
    folder: Path | None = None
    script: Path | None = None
    """The file that was submitted; it may have been changed since."""
    text: str = ""
    """The batch script as Slurm kept it, else as its file is now."""
    submitted_with: Mapping[str, str] | None = None
    """W&B's variables when the job was submitted, secrets replaced; None where Slurm did not keep them."""

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return W&B's variables of the job: as it was submitted, and as its script sets them where that can be read.

        What keeps variables out of the job makes those of the submission void.
        """
        arrived = {} if self.environment_words else self.submitted_with or {}
        found = {name: value for name, value in arrived.items() if value != REDACTED}
        for name, value in self._assigned():
            plain = value.strip("'\"")
            if "$(" not in plain and "`" not in plain:
                found[name] = Template(plain).safe_substitute(environ)
        return found

    @property
    def script_sets(self) -> tuple[str, ...]:
        """W&B's variables that the script sets by itself, whatever they were before."""
        return tuple(dict.fromkeys(name for name, _ in self._assigned()))

    def _assigned(self) -> list[tuple[str, str]]:
        return [pair for line in self._code() for pair in ASSIGNED.findall(line)]

    def _code(self) -> list[str]:
        return [line for line in self.text.splitlines() if not line.lstrip().startswith("#")]

    @property
    def environment_words(self) -> tuple[str, ...]:
        """Words of the submission that keep variables of the login node out of the job."""
        export = self.options.get("export")
        told = [f"--export={export}"] if export and "ALL" not in export.split(",") else []
        return (*told, *dict.fromkeys(match[0] for line in self._code() for match in ENVIRONMENT.finditer(line)))

    @property
    def module_words(self) -> tuple[str, ...]:
        """Words of the script that unload modules."""
        return tuple(dict.fromkeys(match[0] for line in self._code() for match in MODULES.finditer(line)))


def left_behind(
    shown: Mapping[str, str], row: Mapping[str, str], text: str, environment: Mapping[str, str] | None = None
) -> LeftBehind:
    """Gather what scontrol and sacct tell, and what the script's own lines say.

    Args:
        shown: scontrol's facts; empty where the controller has forgotten the job.
        row: sacct's line.
        text: the batch script as Slurm kept it.
        environment: the variables that the job was submitted with, where they are known.
    """
    folder = Path(shown.get("WorkDir") or row.get("WorkDir") or "")
    words = _words(row.get("SubmitLine") or shown.get("SubmitLine", ""))
    named = shown.get("Command", "").partition(" ")[0] or next((w for w in words[1:] if _is_script(w, folder)), "")
    script = folder / named if named and named != "(null)" else None
    if not text and script and script.is_file():
        text = script.read_text(encoding="utf-8", errors="replace")[: 1 << 20]
    # SBATCH_EXPORT=NONE, or an srun within a job that was submitted so, stands in no line.
    export = {"export": value} if (value := (environment or {}).get("SLURM_EXPORT_ENV")) else {}
    return LeftBehind(
        options={**export, **_directives(text), **options_of(words[1:])},
        folder=folder if folder.is_absolute() else None,
        script=script if script and script.is_file() else None,
        text=text,
        submitted_with=None if environment is None else of_wandb(environment),
    )


def of_wandb(environment: Mapping[str, str]) -> dict[str, str]:
    """Keep W&B's variables, without secrets; of what Slurm kept nothing else is looked at."""
    return shown_variables({k: v for k, v in environment.items() if k.startswith("WANDB_")}, Redactor())


def output_files(job_id: str, row: Mapping[str, str], left: LeftBehind) -> tuple[Path, ...]:
    """Return the files of standard output and error, by the names that the job gave them, else by Slurm's own."""
    if left.folder is None:
        return ()
    usual = "slurm-%A_%a.out" if "_" in job_id else "slurm-%j.out"
    out = row.get("StdOut") or left.options.get("output") or usual
    err = row.get("StdErr") or left.options.get("error") or out
    names = dict.fromkeys(expanded(name, job_id, row) for name in (out, err))
    return tuple(left.folder / name for name in names if name != "/dev/null")


def expanded(pattern: str, job_id: str, row: Mapping[str, str]) -> str:
    """Fill in a file name's patterns as sbatch does: `%j`, `%A_%a`, `%x`, `%4j`; `%%` is a per cent sign."""
    array, _, index = job_id.partition("_")
    raw = row.get("JobIDRaw") or job_id
    node = re.sub(r"\[(\d+).*", r"\1", row.get("NodeList", "")).partition(",")[0]
    values = {
        "j": raw, "J": raw, "A": array.partition("+")[0], "a": index or "4294967294", "x": row.get("JobName", ""),
        "u": row.get("User", ""), "N": node, "n": "0", "t": "0", "s": "batch", "%": "%",
    }  # fmt: skip

    def fill(match: re.Match[str]) -> str:
        width, letter = match.groups()
        value = values.get(letter, match[0])
        return value.zfill(int(width)) if width and value.isdigit() else value

    return re.sub(r"%(\d*)([jJAaxuNnts%])", fill, pattern)


def _directives(text: str) -> dict[str, str]:
    try:
        return directives(text)
    except ValueError:  # a quote is left open: sbatch read the line otherwise
        return {}


def _words(line: str) -> Sequence[str]:
    try:
        return shlex.split(line)
    except ValueError:  # accounting cuts long lines
        return line.split()


def _is_script(word: str, folder: Path) -> bool:
    return not word.startswith("-") and "=" not in word and (folder / word).is_file()
