"""Asks every check of a case, those first that others need: what each shows by itself, before causes are known."""

from collections.abc import Iterator, Mapping, Sequence

from harness.evidence.redaction.redactor import redact
from harness.judging.case import Case
from harness.judging.check import Check, bare
from harness.judging.checks import PARTS
from harness.judging.live.early import early
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.verdict import CheckResult

HOLDS_UP = ("failed", "blocked", "not_checked")
"""Outcomes of a check after which those that need it mean nothing."""
BROKE = "the check itself broke: "


class Asking:
    """One round of questions; each instance of a check is asked once, whatever the order."""

    def __init__(self, case: Case, checks: Sequence[Check]) -> None:
        self._case = case
        self._checks = checks
        self._instances = {check.instance(p): (check, p) for check in checks for p in parameters(check, case)}
        self._answers: dict[str, CheckResult] = {}
        self._by_check: dict[str, list[str]] = {}
        for name, (check, _) in self._instances.items():
            self._by_check.setdefault(check.name, []).append(name)

    def answers(self) -> dict[str, CheckResult]:
        """Every instance by its name, in the order of the checks."""
        return {name: self._answer(name) for name in self._instances}

    def _answer(self, name: str) -> CheckResult:
        if name not in self._answers:
            self._answers[name] = self._ask(name)
        return self._answers[name]

    def _ask(self, name: str) -> CheckResult:
        check, parameter = self._instances[name]
        for need in check.needs:
            for needed in self._named(need, check.each, parameter):
                if (answer := self._answer(needed)).outcome in HOLDS_UP:
                    first = answer.blocked_by or needed
                    return blocked(name, first)
        return ask(self._case, check, parameter)

    def _named(self, need: str, each: str, parameter: str) -> Iterator[str]:
        """The instances that a need speaks of: of the same metric or part where both have one."""
        for name in self._by_check.get(bare(need), ()):
            check, own = self._instances[name]
            same = not each or check.each != each or own == parameter
            if name.rpartition("::")[2] == need or (check.name == need and same):
                yield name


def parameters(check: Check, case: Case) -> tuple[str, ...]:
    """What a check is asked of in this case: metrics, parts of the host, or nothing in particular."""
    kinds: Mapping[str, tuple[str, ...]] = {"": ("",), "metric": case.evidence.request.expect, "part": PARTS}
    return kinds[check.each]


def blocked(name: str, by: str) -> CheckResult:
    """The result of a check that means nothing because another one did not hold."""
    return CheckResult(name=name, outcome="blocked", reason=f"blocked by {by}", blocked_by=by)


def ask(case: Case, check: Check, parameter: str) -> CheckResult:
    """Ask one check for its symptom."""
    name = check.instance(parameter)
    try:
        problem = check.symptom(case, parameter)
    except NotApplicable as reason:
        return CheckResult(name=name, outcome="not_applicable", reason=str(reason))
    except NotChecked as reason:
        return CheckResult(name=name, outcome="not_checked", reason=str(reason))
    except Exception as error:  # noqa: BLE001 - a check that breaks is told as that, and costs no other
        return CheckResult(
            name=name, outcome="not_checked", reason=redact(f"{BROKE}{type(error).__name__}: {error}")[:500]
        )
    if problem is None:
        return CheckResult(name=name, outcome="passed")
    if case.life and (too_early := early(check.shows, case.life, case.evidence)):
        return CheckResult(name=name, outcome="not_applicable", reason=too_early)
    return CheckResult(name=name, outcome="failed", reason=problem)
