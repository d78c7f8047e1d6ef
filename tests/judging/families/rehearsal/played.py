"""Builds what a rehearsal saw: healthy cases that keyword arguments change, of a job of ten rows in ten seconds."""

from __future__ import annotations

from typing import Any

from harness.evidence.models import Attempt, Evidence, Missing, Rehearsal, Rehearsals, Request, Sync
from tests.judging import build as b

SDK = "/venv/lib/python3.11/site-packages/wandb/sdk/"


def attempt(**change: Any) -> Attempt:
    """A start that ran to its end."""
    return Attempt(
        **{"ended_s": 10.0, "exit_code": 0, "run_ids": ("job-7",), "rows": 10, "ended_in_order": True, **change}
    )


def outage(*, first: dict[str, Any] | None = None, **change: Any) -> Rehearsal:
    """An outage in the middle that did no harm; `first` changes the start."""
    case = {
        "kind": "outage", "when": "middle", "how": "refuse", "undisturbed_s": 10.0,
        "undisturbed_rows": 10, "struck_s": 3.0, "back_s": 6.0, "attempts": (attempt(**(first or {})),),
        "runs_on_server": ("job-7",), "rows_on_disk": 10, "rows_on_server": 10, "compared": 10,
    }  # fmt: skip
    return Rehearsal(**{**case, **change})


def requeue(*, first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, **change: Any) -> Rehearsal:
    """A requeue after four rows that was continued; `first` and `second` change the starts."""
    starts = (
        attempt(**{"ended_s": 5.0, "exit_code": 143, "rows": 4, **(first or {})}),
        attempt(**{"begun_s": 5.0, "ended_s": 12.0, "rows": 6, "resumed": True, **(second or {})}),
    )
    return outage(**{"kind": "requeue", "when": None, "how": None, "attempts": starts, **change})


def twice(*, third: dict[str, Any] | None = None) -> Rehearsal:
    """Two requeues in a row, after three rows each; `third` changes the last start."""
    case = requeue(how="twice", first={"rows": 3}, second={"exit_code": 143, "rows": 3})
    return case.model_copy(
        update={"attempts": (*case.attempts, attempt(**{"rows": 4, "resumed": True, **(third or {})}))}
    )


def rehearsed(*cases: Rehearsal, rehearse: str = "all", **change: Any) -> Evidence:
    """Evidence of a healthy job with these rehearsals."""
    request = Request(server="real", job_kind="script", job_path="train.py", nproc=2, rehearse=rehearse)
    return b.healthy(request=request, rehearsals=Rehearsals(cases=cases, **change))


def hung(*functions: str) -> dict[str, Any]:
    """A start that hung in these functions of the SDK, the one that the script called first."""
    frames = [f"{SDK}wandb_x.py, line 1 in {name}" for name in reversed(functions)]
    return {
        "over_limit": True, "exit_code": None, "ended_s": 70.0, "ended_in_order": False,
        "stuck": (*frames, "/scratch/me/train.py, line 12 in <module>"),
    }  # fmt: skip


def lacking(count: int = 4) -> dict[str, Any]:
    """A case of which so many points did not come, although they were synced."""
    point = Missing(run_id="job-7", key="loss", step=6, on_disk=0.5)
    return {
        "rows_on_server": 10 - count, "rows_after_sync": 10 - count, "missing": (point,), "missing_count": count,
        "sync": Sync(commands=("wandb sync a",), exit_code=1, output=("wandb: error",)),
    }  # fmt: skip


BROUGHT = {"rows_on_server": 4, "rows_after_sync": 10, "sync": Sync(commands=("wandb sync a",), exit_code=0)}
