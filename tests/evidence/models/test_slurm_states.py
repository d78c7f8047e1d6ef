"""Slurm's states and reasons in words, and how often a job is asked after."""

from __future__ import annotations

import pytest

from harness.evidence.models import slurm_states
from harness.targets.slurm.cadence import Cadence


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("QOSMaxJobsPerUserLimit", "as the partition allows"),
        ("ReqNodeNotAvail, Reserved for maintenance", "maintenance"),
        ("ReqNodeNotAvail, UnavailableNodes:nid005003", "down or reserved"),
        ("AssocGrpGRESMinutes", "allocation is used up"),
        ("AssocGrpGRES", "at a limit"),
        ("DependencyNeverSatisfied", "never starts"),
        ("launch failed requeued held", "scontrol release"),  # as squeue has it
        ("launch_failed_requeued_held", "scontrol release"),  # as scontrol has it
        ("SomethingNew", ""),
    ],
)
def test_reasons_in_words(reason, words):
    assert words in slurm_states.meaning(reason)
    assert bool(words) == bool(slurm_states.meaning(reason))


@pytest.mark.parametrize(
    ("state", "expected"),
    [("CANCELLED by 1000", "cancelled"), ("CANCELLED+", "cancelled"), ("COMPLETING", "running"), ("", "unknown")],
)
def test_state_words(state, expected):
    assert slurm_states.ending(state) == expected


def test_long_jobs_without_a_mark_are_asked_less_often():
    cadence = Cadence(0.0, marked=False)
    cadence.looked(0.0, running=True)
    assert not cadence.due(3.9, hint=False)
    assert cadence.due(4.0, hint=False)
    cadence.looked(1000.0, running=True)
    assert not cadence.due(1010.0, hint=False)
