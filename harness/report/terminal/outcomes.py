"""How pytest shows the outcome of a check: the cause in place of a traceback, and a word for each outcome."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from harness.evidence.redaction.visible import seen
from harness.judging.verdict import CheckResult
from harness.report.terminal.failures import failure, not_checked

if TYPE_CHECKING:
    from harness.verification.session import Session


def annotate(item: pytest.Item, result: CheckResult, session: "Session") -> None:
    """Give JUnit the outcome and the fault id; pytest reads these properties before it writes the report."""
    item.user_properties.append(("outcome", result.outcome))
    if result.outcome == "failed" and (cause := session.cause_of(result.name)):
        item.user_properties.append(("fault", cause.id))


def rewrite(report: pytest.TestReport, result: CheckResult, item: pytest.Item, session: "Session") -> None:
    """Replace the traceback by what was expected and observed, and by the name of the cause."""
    where, style = (str(item.path), item.reportinfo()[1] or 0), item.config.option.tbstyle
    expected = (getattr(getattr(item, "function", None), "__doc__", None) or item.name).strip().splitlines()[0]
    if result.outcome == "failed":
        told = failure(where, expected, result.reason, session.cause_of(result.name), quiet=style == "line")
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
