"""What the embedded server cannot do: where a job ended because it asked for it, that is no fault of the script."""

import re
from collections.abc import Collection, Mapping

from harness.evidence.models import Evidence, PythonError
from harness.judging.causes import CRASH, Suspect
from harness.judging.check import bare
from harness.judging.graph import Graph
from harness.judging.verdict import CheckResult
from harness.judging.view import LAUNCHER, output_lines, passed_through_sdk, python_errors

LACKS = re.compile(r"the embedded server has no (?P<what>[\w ,./()-]*\w)")


def lack(evidence: Evidence) -> str | None:
    """Return in words what the embedded server lacks, where the job ended for want of it."""
    errors = sorted((e for e in python_errors(evidence) if not re.search(LAUNCHER, e.exception)), key=lambda e: e.line)
    first = errors[0] if errors else None
    texts = [*output_lines(evidence)] if first is None else [first.message, *_of_the_sdk(first, evidence)]
    found = next((match for text in texts if (match := LACKS.search(text))), None)
    return f"the embedded server has no {found['what']}: use --server real" if found else None


def _of_the_sdk(error: PythonError, evidence: Evidence) -> list[str]:
    """What wandb-core was told, where it was the SDK that raised: its own words may not repeat the server's."""
    if not passed_through_sdk(error):
        return []
    logs = [run.sdk_logs for run in evidence.local.runs]
    return [t.text for log in logs for t in log.http] + [line.text for log in logs for line in log.lines]


def excused(
    missing: str | None, asked: Mapping[str, CheckResult], found: Collection[Suspect], graph: Graph
) -> dict[str, CheckResult]:
    """Return what the end of the job brought about as not checked; what fails for a cause of its own stays failed."""
    failed = {bare(name) for name, answer in asked.items() if answer.outcome == "failed"}
    if missing is None or CRASH not in failed:
        return dict(asked)
    reached = graph.downstream({CRASH}, failed)
    own = {name for s in found if CRASH not in map(bare, s.symptoms) for name in s.symptoms}
    return {
        name: answer.model_copy(update={"outcome": "not_checked", "reason": missing})
        if answer.outcome == "failed" and bare(name) in reached and name not in own
        else answer
        for name, answer in asked.items()
    }
