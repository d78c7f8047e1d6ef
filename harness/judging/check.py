"""What a check is: a symptom, and the checks that must hold for it to mean anything."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.judging.case import Case
from harness.judging.live.early import Shows

Symptom = Callable[[Case, str], str | None]
"""Says in one sentence what is wrong, or None where the check holds; the second argument is its parameter, or ''.

Raises NotApplicable where the evidence does not speak of it, NotChecked where it could not be read.
"""


@dataclass(frozen=True)
class Check:
    """One check of `checks/`: where it stands, what it asks, and what it needs."""

    file: str
    name: str
    symptom: Symptom
    needs: tuple[str, ...] = ()
    """Checks without which this one means nothing; `name[parameter]` names one of several."""
    brings: tuple[str, ...] = ()
    """Checks that may fail because this one did, and yet mean something by themselves."""
    shows: Shows = "now"
    """When it can be told of a run that still runs."""
    each: Literal["", "metric", "part"] = ""
    """What it is asked of, one by one: each expected metric, each part of the host."""

    def instance(self, parameter: str) -> str:
        """The name as pytest shows it: `test_3_run.py::test_run_finished`, with `[loss]` where there is a parameter."""
        return f"{self.file}::{self.name}" + (f"[{parameter}]" if parameter else "")


def bare(name: str) -> str:
    """The test's name alone: `test_series_is_present` of `test_4_metrics.py::test_series_is_present[loss]`."""
    return name.rpartition("::")[2].partition("[")[0]
