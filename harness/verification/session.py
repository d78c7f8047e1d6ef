"""One verification: its settings, its evidence, and the verdict that every check and every report shows a part of."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness.settings.model import Settings
from harness.settings.report_folder import write_atomically
from harness.targets.interrupts import Interrupts
from harness.verification.headstart import Headstart
from harness.verification.progress import Progress, Remembering

if TYPE_CHECKING:
    from harness.evidence.models import Evidence
    from harness.judging.case import Case
    from harness.judging.verdict import Cause, CheckResult, Verdict

T = TypeVar("T")


@dataclass
class Session:
    """The state of a verification, from its options to its reports."""

    settings: Settings
    folder: Path
    progress: Callable[[], Progress]
    arguments: tuple[str, ...] = ()
    """What was typed after the command."""
    gathered: "Evidence | None" = None
    """The evidence, once there is any."""
    judged: "Verdict | None" = None
    """The verdict on it, the same whichever checks were chosen."""
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    """Known to nobody else: with it GitHub Actions is told to listen again."""
    interrupts: Interrupts = field(default_factory=Interrupts)
    interrupted: bool = False
    left_behind: tuple[str, ...] = ()
    """What is told of earlier verifications that were killed."""
    unwritten: list[str] = field(default_factory=list)
    """Reports that could not be written, and why; one line each."""
    record_for_suite: Callable[[str, object], None] = lambda _name, _value: None
    """Adds a property to JUnit's whole suite, where pytest writes one."""
    trials: tuple[str, ...] = ()
    """What came of the cures that were tried, one line each."""
    watched: Remembering | None = None
    """What the job was last seen to do."""
    first: bool = False
    """Whether no verification has left a report here before."""
    headstart: Headstart = field(default_factory=Headstart)
    broken: Exception | None = None
    """The harness's own error, which kept it from evidence or verdict: it is not tried again, for a job costs."""
    _case: "Case | None" = None

    @property
    def expect(self) -> tuple[str, ...]:
        """The metrics to find: saved evidence brings its own."""
        return self.gathered.request.expect if self.gathered else self.settings.expect

    def evidence(self) -> "Evidence":
        """Gather the evidence on first use, and save it."""
        if self.gathered is None:
            self.gathered = self._once(self._gather)
            try:
                write_atomically(self.folder / "evidence.json", self.gathered.model_dump_json(indent=1))
            except OSError as error:  # what was found out can be judged all the same
                self.unwritten.append(f"evidence.json: {error.strerror or error} ({self.folder})")
        return self.gathered

    def _gather(self) -> "Evidence":
        from harness.verification.verify import verify

        self.watched = Remembering(self.progress())
        return verify(
            self.settings, self.folder, self.watched,
            interrupts=self.interrupts, unwritten=self.unwritten.append, headstart=self.headstart,
        )  # fmt: skip

    def _once(self, work: Callable[[], T]) -> T:
        """Work, and where that breaks, let every later check break in the same way, without another job."""
        if self.broken is not None:
            raise self.broken
        try:
            return work()
        except Exception as error:
            self.broken = error
            raise

    def case(self) -> "Case":
        """The view of the evidence that checks and reports share."""
        if self._case is None:
            from harness.judging.case import Case

            self._case = Case(self.evidence())
        return self._case

    def verdict(self) -> "Verdict":
        """Judge the evidence, gathered on first use."""
        if self.judged is None:
            from harness.judging.judge import judge

            found = self.evidence()
            self.judged = self._once(lambda: judge(found))
        return self.judged

    def try_cures(self, say: Callable[[str], None]) -> None:
        """Carry out the cures of a failed verification on a copy, and note in the verdict what comes of them."""
        verdict = self.judged
        if not self.settings.try_cure or verdict is None or verdict.verdict != "failed":
            return
        from harness.verification.trial import cost, tried

        say(cost(self.settings))
        self.judged, trials = tried(self.settings, verdict, self.arguments, self.folder, os.environ)
        self.trials = tuple(f"{trial.fault}: {trial.words}" for trial in trials)

    def result(self, check: str) -> "CheckResult | None":
        """How a check came out; None for a test that is none of the harness's checks."""
        return next((c for c in self.verdict().checks if c.name == check), None)

    def cause_of(self, check: str) -> "Cause | None":
        """The cause of a failed check, the first one where there are several; `unknown` explains nothing."""
        from harness.judging.verdict import Cause

        causes = (f for f in self.verdict().findings if isinstance(f, Cause) and check in f.explains)
        return next((c for c in causes if c.id != "unknown"), None)
