"""A verification of one watched job: the same as `check` makes of a run, a folder or a job's output."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.models import Seen
from harness.judging.judge import judge
from harness.report.html.checks import sentences
from harness.report.html.page import render
from harness.report.next_commands import next_commands
from harness.settings.model import Settings
from harness.settings.options import OPTIONS
from harness.settings.places import CHECK
from harness.settings.report_folder import write_atomically
from harness.settings.resolve import resolve
from harness.verification.progress import Silent
from harness.verification.saved_evidence import load
from harness.verification.verify import verify
from harness.watch.ledger import Entry
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


class Verifier:
    """Verifies subjects, with a folder of its own for each.

    Args:
        folder: the watch's folder.
        environ: what W&B is set to.
        cwd: where it was called.
        given: options of `check` that apply to every subject, by their ini names.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], cwd: Path, given: Mapping[str, str]) -> None:
        self._folder, self._environ, self._cwd, self._given = folder, environ, cwd, given

    def settings(self, what: Mapping[str, str]) -> Settings:
        """Return the settings of `check` for a subject."""
        dests = {o.ini: o.dest for o in OPTIONS}
        options: dict[str, str | bool | None] = {dests[name]: value for name, value in {**self._given, **what}.items()}
        return resolve(options, self._environ, lambda _name: "", self._cwd, CHECK)

    def place(self, subject: Subject) -> Path:
        """Return the folder of a subject."""
        return self._folder / "".join(c if c.isalnum() or c in "-_." else "-" for c in subject.name)

    def verify(self, subject: Subject) -> Judged | None:
        """Verify it, and write what came of it; None where there is nothing yet to verify."""
        what = asked(subject)
        if not what:
            return None
        place = self.place(subject)
        place.mkdir(parents=True, exist_ok=True)
        evidence = verify(self.settings(what), place, Silent(), self._environ)
        verdict = judge(evidence)
        write_atomically(place / "evidence.json", evidence.model_dump_json(indent=1))
        write_atomically(place / "verdict.json", verdict.model_dump_json(indent=1))
        cause = next((f for f in verdict.findings if f.id == verdict.root_cause), None)
        doubt = next((c.reason for c in verdict.checks if c.outcome == "not_checked"), "")
        words = cause.title if cause else doubt if verdict.verdict == "inconclusive" else ""
        return Judged(verdict.verdict, verdict.root_cause or "", words, place / "verdict.json", verdict.live)

    def show(self, subject: Subject, entries: Sequence[Entry]) -> None:
        """Put what was noted so far into the evidence of the last verification, and write its page."""
        place = self.place(subject)
        if not (place / "evidence.json").exists():
            return
        watched = tuple(
            Seen(at=e.at, event=e.event, state=e.state, steps=e.steps, problem=e.problem, words=e.words,
                 verdict=e.verdict)
            for e in entries
        )  # fmt: skip
        evidence = load(place / "evidence.json").model_copy(update={"watched": watched})
        write_atomically(place / "evidence.json", evidence.model_dump_json(indent=1))
        verdict, what = judge(evidence), {**self._given, **asked(subject)}
        flags = {o.ini: o.flag for o in OPTIONS}
        arguments = [word for name, value in what.items() for word in (flags[name], value)]
        again = next_commands(self.settings(what), place, evidence, verdict, arguments)
        write_atomically(place / "report.html", render(evidence, verdict, sentences(), again))


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
