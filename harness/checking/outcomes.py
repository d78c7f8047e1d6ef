"""How a check ends in pytest as the judge says: set aside before it is asked, or asked and compared."""

import pytest

from harness.evidence.redaction.redactor import redact
from harness.judging.outcomes import NotChecked
from harness.judging.verdict import CheckResult
from harness.verification.session import Session


def check_name(item: pytest.Item) -> str:
    """Name a check as the verdict does: `test_3_run.py::test_exactly_one_run`."""
    return f"{item.path.name}::{item.name}"


def stop_early(result: CheckResult) -> None:
    """End a check that has nothing to ask before it is asked.

    Raises:
        pytest.skip.Exception: it is blocked, or not applicable.
        NotChecked: it could not be made.
    """
    if result.outcome in ("blocked", "not_applicable"):
        pytest.skip(result.reason)
    if result.outcome == "not_checked":
        raise NotChecked(result.reason)


def result_of(name: str, call: pytest.CallInfo[None], session: Session) -> CheckResult | None:
    """The judge's result of a check, as far as this phase of the test tells it; None for one that tells nothing.

    A check that comes out otherwise than the judge says is broken, and is shown as that.
    """
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, (KeyboardInterrupt, SystemExit, pytest.exit.Exception)):
        return None
    if error is None and call.when != "call":
        return None
    if session.judged is None:  # the evidence could not be gathered
        return CheckResult(name=name, outcome="not_checked", reason=redact(f"{type(error).__name__}: {error}")[:500])
    result = session.result(name)
    if result is None or isinstance(error, (pytest.skip.Exception, NotChecked)):
        return result
    shown = "failed" if isinstance(error, AssertionError) else "passed" if error is None else type(error).__name__
    if shown == result.outcome and call.when == "call":
        return result
    said = redact(f"the check itself broke: it says {shown}, the judge {result.outcome}: {error or result.reason}")
    return result.model_copy(update={"outcome": "not_checked", "reason": said[:500]})
