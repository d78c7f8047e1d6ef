"""What a check's exception means, and how pytest's own report of it is written anew."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from harness.evidence.redaction.redactor import redact
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.verdict import CheckResult
from harness.report.terminal.failures import failure, not_checked
from harness.report.text import seen

if TYPE_CHECKING:
    from harness.checking.session import Session

BLOCKED = "blocked by "
INFRASTRUCTURE = "the check itself broke: "


def judge(name: str, call: pytest.CallInfo[None], session: "Session") -> CheckResult | None:
    """Return the check's outcome as far as this phase tells it; None for a phase that tells nothing."""
    if call.excinfo is None:
        return CheckResult(name=name, outcome="passed", duration_s=_seconds(call)) if call.when == "call" else None
    error = call.excinfo.value
    seconds = _seconds(call)
    if isinstance(error, (KeyboardInterrupt, SystemExit, pytest.exit.Exception)):
        return None
    if isinstance(error, pytest.skip.Exception):
        text = str(error.msg)
        blocked_by = text.removeprefix(BLOCKED) if text.startswith(BLOCKED) else None
        outcome = "blocked" if blocked_by else "not_applicable"
        return CheckResult(name=name, outcome=outcome, reason=text, blocked_by=blocked_by, duration_s=seconds)
    if isinstance(error, NotApplicable):
        return CheckResult(name=name, outcome="not_applicable", reason=str(error), duration_s=seconds)
    if isinstance(error, NotChecked):
        return CheckResult(name=name, outcome="not_checked", reason=str(error), duration_s=seconds)
    if isinstance(error, AssertionError) and call.when == "call":
        reason = str(error).split("\nassert ")[0].strip() or "the check failed"
        outcome = "blocked" if session.follows(name) else "failed"
        return CheckResult(name=name, outcome=outcome, reason=reason, duration_s=seconds)
    what = f"{type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.filename:
        what = f"{error.filename}: {error.strerror}"
    reason = redact(f"{INFRASTRUCTURE}{what}")
    return CheckResult(name=name, outcome="not_checked", reason=reason[:500], duration_s=seconds)


def _seconds(call: pytest.CallInfo[None]) -> float:
    return round(call.duration, 4)


def annotate(item: pytest.Item, result: CheckResult, session: "Session") -> None:
    """Give JUnit the outcome and the fault id; pytest reads these properties before it writes the report."""
    item.user_properties.append(("outcome", result.outcome))
    if result.outcome == "failed" and (cause := session.named_cause(result.name)):
        item.user_properties.append(("fault", cause.id))


def rewrite(report: pytest.TestReport, result: CheckResult, item: pytest.Item, session: "Session") -> None:
    """Replace the traceback by what was expected and observed, and by the name of the cause."""
    where, style = (str(item.path), item.reportinfo()[1] or 0), item.config.option.tbstyle
    expected = (getattr(getattr(item, "function", None), "__doc__", None) or item.name).strip().splitlines()[0]
    if result.outcome == "failed":
        cause = session.named_cause(result.name)
        told = failure(where, expected, result.reason, cause, quiet=style == "line")
        report.longrepr = cast("Any", told)
    elif result.outcome == "not_checked":
        report.longrepr = cast("Any", not_checked(where, expected, result.reason, quiet=style == "line"))
    elif result.outcome in ("not_applicable", "blocked"):
        report.outcome = "skipped"
        report.longrepr = (*where, f"Skipped: {seen(result.reason)}")


def status_of(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Map the outcome, kept in the report's properties, to pytest's category, letter and word."""
    properties: dict[str, Any] = dict(report.user_properties)
    outcome = properties.get("outcome")
    if outcome == "not_checked" and report.failed:
        return "error", "E", "NOT CHECKED"
    if outcome == "blocked" and report.skipped:
        return "skipped", "b", "BLOCKED"
    if outcome == "not_applicable" and report.skipped:
        return "skipped", "-", "NOT APPLICABLE"
    return None
