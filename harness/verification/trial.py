"""Tries cures on a copy, one after the other, and verifies again until it passes or nothing new comes."""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.judging.cures.cure import Cure
from harness.judging.verdict import Finding, Verdict
from harness.settings.model import Settings
from harness.settings.options import OPTIONS
from harness.verification.trial_place import copied_folder, copied_home

MOST = 4
_BEYOND_A_COPY = re.compile(
    r"\bpip install\b|\bHOME=|\bwandb (sync|login)\b|\bmodule (load|use|unload)\b|\bread -|/bin/\*"
)
"""What changes more than a copy (an installation, the server), or asks somebody."""
_OF_THE_SHELL = re.compile(r"\b(export|unset|ulimit) ")
"""What holds for one shell, and is said again in the next one."""


@dataclass(frozen=True)
class Trial:
    """One cure that was carried out, or why it was not."""

    fault: str
    helped: bool | None
    words: str


def tried(
    settings: Settings, verdict: Verdict, arguments: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> tuple[Verdict, tuple[Trial, ...]]:
    """The verdict with what came of its cures, and the same in words; the reports of each are kept in `tried-N`."""
    trials: list[Trial] = []
    carried: list[str] = []
    found: Finding | None = _root(verdict)
    with tempfile.TemporaryDirectory(prefix="cure-") as base:
        place = _Place.of(settings, Path(base), environ)
        while found and len(trials) < MOST and all(found.id != trial.fault for trial in trials):
            if reason := _not_here(found.cure):
                trials.append(Trial(found.id, None, f"not tried: {reason}"))
                break
            step = len(trials) + 1
            patch = place.patched(found.cure) if found.cure else ()
            commands = [place.moved(line) for line in (found.cure.commands if found.cure else ())]
            carried = [line for line in carried if _OF_THE_SHELL.search(line)] + [*patch, *commands]
            again = place.verify(carried, arguments, folder / f"tried-{step}")
            cause = str(again.get("root_cause") or "")
            if again.get("verdict") == "passed":
                with_others = " and those before it" if trials else ""
                trials.append(Trial(found.id, True, f"tried: with it{with_others}, the verification passes"))
                break
            now = next((f for f in again.get("findings", ()) if f["id"] == cause), None)
            if cause == found.id or now is None:
                left = f"it is {cause} still" if cause else f"the verification is {again.get('verdict', 'broken')}"
                trials.append(Trial(found.id, False, f"tried: it does not help: {left}"))
                break
            trials.append(Trial(found.id, True, f"tried: this is mended, and then comes {cause}: {now['title']}"))
            found = Finding.model_validate(now)
        passed = bool(trials) and trials[-1].helped is True and "passes" in trials[-1].words
    return _noted(verdict, trials, passed=passed), tuple(trials)


def cost(settings: Settings) -> str:
    """What a trial takes, said before it begins."""
    if settings.target != "slurm":
        return "\ntrying the cure on a copy: the job runs again on this machine"
    slurm = settings.slurm
    where = f"{slurm.partition} of {slurm.account}" if slurm.account else slurm.partition
    return (
        f"\ntrying the cure on a copy: another job in {where}, {slurm.nodes} nodes with {slurm.gpus} GPUs each, "
        f"at most {slurm.time}; it is billed like the first"
    )


def _root(verdict: Verdict) -> Finding | None:
    return next((f for f in verdict.findings if f.id == verdict.root_cause), None)


def _not_here(cure: Cure | None) -> str:
    """Why a cure cannot be tried on a copy; empty where it can."""
    if cure is None or (not cure.ready and cure.kind == "edit"):
        return "it shows how the script should look; only you can write that"
    if cure.kind == "outside" or not cure.ready:
        return "somebody else has to act, or you have to"
    if any(map(_BEYOND_A_COPY.search, cure.commands)):
        return "it changes more than a copy of the script and of the settings"
    return ""


def _noted(verdict: Verdict, trials: Sequence[Trial], *, passed: bool) -> Verdict:
    """What came of it, in the findings."""
    by_fault = {trial.fault: trial for trial in trials}
    findings = []
    for finding in verdict.findings:
        trial = by_fault.get(finding.id)
        if trial and finding.cure and trial.helped is not None:
            cure = finding.cure.model_copy(update={"tried": trial.helped and passed, "trial": trial.words})
            finding = finding.model_copy(update={"cure": cure})  # noqa: PLW2901
        findings.append(finding)
    return verdict.model_copy(update={"findings": tuple(findings)})


@dataclass(frozen=True)
class _Place:
    """The copy, and what is called there what in the original."""

    folder: Path
    home: Path
    base: Path
    moves: tuple[tuple[str, str], ...]
    environ: Mapping[str, str]
    job: Path | None

    @classmethod
    def of(cls, settings: Settings, base: Path, environ: Mapping[str, str]) -> "_Place":
        home = Path(environ.get("HOME") or "/nowhere")
        folder, own = base / "folder", base / "home"
        copied_folder(settings.cwd, folder, settings.job)
        copied_home(home, own)
        # The longer path first: the job's folder often lies in the home folder.
        moves = sorted([(str(settings.cwd), str(folder)), (str(home), str(own))], key=lambda pair: -len(pair[0]))
        return cls(folder, own, base, tuple(moves), environ, settings.job)

    def moved(self, text: str) -> str:
        """A text in which paths lead into the copy."""
        for old, new in self.moves:
            text = re.sub(rf"{re.escape(old)}(?=[/\s'\";:]|$)", new, text)
        return text

    def patched(self, cure: Cure) -> Sequence[str]:
        """The command that applies a patch."""
        if cure.patch is None:
            return ()
        path = self.base / "cure.patch"
        path.write_text(cure.patch, encoding="utf-8")
        return (f"patch -s -p1 < {shlex.quote(str(path))}",)

    def verify(self, lines: Sequence[str], arguments: Sequence[str], report: Path) -> Mapping[str, Any]:
        """Verify in the copy, from the shell in which these lines were run."""
        options = [self.moved(word) for word in own_options(arguments)]
        command = [sys.executable, "-m", "harness", "check", *options, "--report", str(report.absolute())]
        env = {name: self.moved(value) if name != "PATH" else value for name, value in self.environ.items()}
        env |= {"HOME": str(self.home), "PYTHONPATH": _package_path(self.environ)}
        env.pop("HARNESS_WANDB_TRY_CURE", None)
        script = "\n".join([*lines, shlex.join(command)])
        subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=env, check=False, stdin=subprocess.DEVNULL,
            capture_output=True,
        )  # fmt: skip
        try:
            return dict(json.loads((report / "verdict.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {"verdict": "not given"}


def own_options(arguments: Sequence[str]) -> list[str]:
    """The harness's own options of a command line, without those that a trial has of its own."""
    known = {option.flag: option for option in OPTIONS}
    found: list[str] = []
    words = iter(arguments)
    for word in words:
        flag, given, _ = word.partition("=")
        option = known.get(flag)
        if option is None:
            continue
        value = [] if given or option.kind == "switch" else [next(words, "")]
        if flag not in ("--report", "--try-cure", "--replay"):
            found += [word, *value]
    return found


def _package_path(environ: Mapping[str, str]) -> str:
    """Where this very package is found, also from another folder."""
    here = str(Path(__file__).parents[2])
    return os.pathsep.join([here, *filter(None, [environ.get("PYTHONPATH")])])
