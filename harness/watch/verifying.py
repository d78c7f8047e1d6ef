"""A verification of one watched job: the same as `check` makes of a run, a folder or a job's output."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.judging.judge import judge
from harness.settings.options import OPTIONS
from harness.settings.places import CHECK
from harness.settings.report_folder import write_atomically
from harness.settings.resolve import resolve
from harness.verification.progress import Silent
from harness.verification.verify import verify
from harness.watch.subjects import Subject


@dataclass(frozen=True)
class Judged:
    """What came of it: the verdict, its root cause, in words, and where it is written."""

    verdict: str
    fault: str = ""
    words: str = ""
    path: Path | None = None
    live: bool = False


Verifying = Callable[[Subject], Judged | None]
"""Verifies a subject; None where there is nothing yet to verify."""


def verifying(folder: Path, environ: Mapping[str, str], cwd: Path, given: Mapping[str, str]) -> Verifying:
    """Return what verifies subjects, with a folder of its own for each.

    Args:
        folder: the watch's folder.
        environ: what W&B is set to.
        cwd: where it was called.
        given: options of `check` that apply to every subject, by their ini names.
    """
    dests = {o.ini: o.dest for o in OPTIONS}

    def verified(subject: Subject) -> Judged | None:
        what = asked(subject)
        if not what:
            return None
        options: dict[str, str | bool | None] = {dests[name]: value for name, value in {**given, **what}.items()}
        settings = resolve(options, environ, lambda _name: "", cwd, CHECK)
        place = folder / "".join(c if c.isalnum() or c in "-_." else "-" for c in subject.name)
        place.mkdir(parents=True, exist_ok=True)
        evidence = verify(settings, place, Silent(), environ)
        verdict = judge(evidence)
        write_atomically(place / "evidence.json", evidence.model_dump_json(indent=1))
        write_atomically(place / "verdict.json", verdict.model_dump_json(indent=1))
        cause = next((f for f in verdict.findings if f.id == verdict.root_cause), None)
        doubt = next((c.reason for c in verdict.checks if c.outcome == "not_checked"), "")
        words = cause.title if cause else doubt if verdict.verdict == "inconclusive" else ""
        return Judged(verdict.verdict, verdict.root_cause or "", words, place / "verdict.json", verdict.live)

    return verified


def asked(subject: Subject) -> dict[str, str]:
    """Return the options of `check` that mean this subject; none where it has made nothing yet."""
    if subject.folder is not None:
        return {"wandb_run_dir": str(subject.folder)}
    log = next((str(output.path) for output in subject.outputs if output.size()), None)
    if subject.run is not None:
        path = "/".join(subject.run)
        run = f"{subject.server}/{subject.run[0]}/{subject.run[1]}/runs/{subject.run[2]}" if subject.server else path
        return {"wandb_run": run, **({"wandb_job_log": log} if log else {})}
    return {"wandb_job_log": log} if log else {}
