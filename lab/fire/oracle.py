"""Whether a verification stayed right although its own requests went wrong."""

from __future__ import annotations

from collections.abc import Mapping

from lab.fire.cells import Cell
from lab.fire.stage import JOB_S, PATIENCE_S, READER_S, Told

SETUP = ("test_server_is_reachable", "test_api_key_is_accepted", "test_project_is_writable")
"""What a server that refuses before the job may rightly fail."""
CAUSES = ("net-", "auth-", "unknown")
LIMIT_S = {
    "preflight": 20.0,
    "polling": JOB_S + 5.0 + READER_S,
    "collecting": PATIENCE_S + 5 * READER_S,
    "run": 5 * READER_S,
}
"""How long trouble may hold a phase up."""
USUAL_S = 25.0
"""What a verification takes on a busy machine without any trouble."""
Outcomes = Mapping[str, str]


def outcomes(told: Told) -> Outcomes:
    """How each check came out."""
    return {c["name"].rpartition("::")[2]: c["outcome"] for c in told.verdict["checks"]} if told.verdict else {}


def problems(cell: Cell, told: Told, truth: Outcomes) -> list[str]:
    """What is wrong with what was said; `truth` is how the checks come out without any trouble."""
    if told.verdict is None:
        return [f"no verdict: {told.output[-300:]}"]
    found = _form(cell, told)
    if (cell.phase, cell.request) == ("run", "Run") and "nulls" in cell.kind and told.verdict["verdict"] == "failed":
        return found  # null is how the server says that there is no such run
    refused = cell.phase == "preflight" and told.verdict["verdict"] == "failed"
    if refused:
        found += _setup(told)
    for name, outcome in outcomes(told).items():
        excused = refused and (name in SETUP or outcome in ("blocked", "not_applicable"))
        if outcome in ("passed", "failed") and outcome != truth.get(name) and not excused:
            found.append(f"{name} {outcome} in place of {truth.get(name)}")
    ill = "failed" in truth.values()
    if told.verdict["verdict"] == "passed":
        silent = [n for n, o in outcomes(told).items() if o == "not_applicable" and truth[n] in ("passed", "failed")]
        found += [f"passed, and {name} not judged" for name in silent]
        found += ["passed, although the run is ill"] if ill else []
    if not ill and not refused:
        loud = [f["id"] for f in told.verdict["findings"] if f["severity"] != "info"]
        found += [f"says {fault} of a run that is well" for fault in loud]
    return found


def _form(cell: Cell, told: Told) -> list[str]:
    """What no trouble excuses: a traceback, a wait beyond the limit, silence about the reason."""
    found = []
    if "Traceback (most recent call last)" in told.output or "the check itself broke" in told.output:
        broken = [line for line in told.output.splitlines() if "broke:" in line or "Error" in line]
        found.append(f"a traceback: {(broken or [told.output[-300:]])[0]}")
    if told.seconds > LIMIT_S[cell.phase] + USUAL_S:
        found.append(f"took {told.seconds:.0f} s")
    if not all(told.checks("not_checked").values()):
        found.append("not checked without a reason")
    return found


def _setup(told: Told) -> list[str]:
    """A refusal before the job: no other check may fail, and the cause must be one of key or network."""
    cause = told.verdict["root_cause"] if told.verdict else None
    failed = told.checks("failed")
    wrong = [f"{name} failed" for name in failed if name not in SETUP]
    return wrong + ([f"cause {cause}"] if failed and not str(cause).startswith(CAUSES) else [])
