"""One verification within one pytest session: settings, evidence, findings and how each check came out."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.evidence.models import Evidence
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.symptoms.runs import count_of
from harness.judging.verdict import CheckResult, Finding, Verdict
from harness.settings.model import Settings
from harness.settings.report_folder import write_atomically
from harness.targets.interrupts import Interrupts
from harness.verification.progress import Progress

KEY: pytest.StashKey["Session"] = pytest.StashKey()


@dataclass
class Session:
    """The state of a verification; lives in pytest's stash."""

    settings: Settings
    folder: Path
    progress: Callable[[], Progress]
    results: dict[str, CheckResult] = field(default_factory=dict)
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The checks without which each check means nothing, by their bare names."""
    verdict: Verdict | None = None
    gathered: Evidence | None = None
    """The evidence, once there is any."""
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
    _findings: tuple[Finding, ...] | None = None

    @property
    def expect(self) -> tuple[str, ...]:
        """The metrics to find: saved evidence brings its own."""
        return self.gathered.request.expect if self.gathered else self.settings.expect

    def evidence(self) -> Evidence:
        """Gather the evidence on first use, and save it."""
        if self.gathered is None:
            from harness.verification.verify import verify

            self.gathered = verify(
                self.settings, self.folder, self.progress(),
                interrupts=self.interrupts, unwritten=self.unwritten.append,
            )  # fmt: skip
            try:
                write_atomically(self.folder / "evidence.json", self.gathered.model_dump_json(indent=1))
            except OSError as error:  # what was found out can be judged all the same
                self.unwritten.append(f"evidence.json: {error.strerror or error} ({self.folder})")
        return self.gathered

    def findings(self) -> tuple[Finding, ...]:
        """Causes that the evidence speaks of, earliest first."""
        if self._findings is None:
            from harness.judging.findings import diagnose

            self._findings = diagnose(self.gathered) if self.gathered else ()
        return self._findings

    def cause_of(self, check: str) -> Finding | None:
        """The earliest finding that explains a failed check; one that names it as symptom goes first."""
        covering = [(f, how) for f in self.findings() if (how := f.covers(check))]
        return next((f for f, how in covering if how == "fails"), covering[0][0] if covering else None)

    def named_cause(self, check: str) -> Finding | None:
        """The cause that is named beside a failed check: the one that the verdict tells of."""
        from harness.judging.judge import cause_among

        failed = [r.name for r in self.results.values() if r.outcome == "failed"]
        return cause_among(check, failed, self.findings())

    def follows(self, check: str) -> bool:
        """Whether a failed check is a mere consequence: the cause's own symptom has failed, or may in its turn."""
        cause = self.cause_of(check)
        if cause is None or cause.covers(check) != "blocks":
            return False
        outcomes = {r.name: r.outcome for r in self.results.values()}
        symptoms = [outcome for name, outcome in outcomes.items() if cause.covers(name) == "fails"]
        made = {name.rpartition("::")[2].partition("[")[0] for name in outcomes}
        bare = check.rpartition("::")[2].partition("[")[0]
        to_come = {name.partition("[")[0] for name in cause.fails} - made
        # What needs this check is not made without it, so it cannot fail either.
        to_come = {name for name in to_come if bare not in self.needs.get(name, ())}
        if self.gathered and not _lacks_run(self.gathered):
            to_come.discard("test_init_succeeded")
        return "failed" in symptoms or bool(to_come)

    def blocker(self, check: str, needs: Sequence[str]) -> str | None:
        """Name the check without which this one means nothing, if it did not pass."""
        param = check.partition("[")[2]
        for need in needs:
            for name in (f"{need}[{param}", need) if param and "[" not in need else (need,):
                for result in self.results.values():
                    if result.name.rpartition("::")[2] == name and result.outcome in (
                        "failed",
                        "blocked",
                        "not_checked",
                    ):
                        return result.name
        return None


def _lacks_run(evidence: Evidence) -> bool:
    """Whether it is known that there is no run."""
    try:
        return count_of(evidence) == 0
    except (NotApplicable, NotChecked):
        return False


def session_of(config: pytest.Config) -> Session:
    """The verification of this pytest session."""
    return config.stash[KEY]
