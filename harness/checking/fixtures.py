"""Fixtures of the checks; what they are made of is imported when a check runs, not when checks are collected."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from harness.checking.stash import KEY, session_of

if TYPE_CHECKING:
    from harness.checking.nouns import Job, Rehearsal, Run, Series, Setup, SystemMetrics
    from harness.judging.case import Case


@pytest.fixture(scope="session", autouse=True)
def _suite_properties(pytestconfig: pytest.Config, record_testsuite_property: Callable[[str, object], None]) -> None:
    """Keep pytest's way to the properties of JUnit's whole suite until the verdict is known."""
    if session := pytestconfig.stash.get(KEY, None):
        session.record_for_suite = record_testsuite_property


@pytest.fixture
def case(pytestconfig: pytest.Config) -> "Case":
    """What happened; gathered once, when the first check asks."""
    return session_of(pytestconfig).case()


@pytest.fixture
def setup(case: "Case") -> "Setup":
    """The setup, judged before the job."""
    from harness.checking.nouns import Setup

    return Setup(case)


@pytest.fixture
def job(case: "Case") -> "Job":
    """The job that was started."""
    from harness.checking.nouns import Job

    return Job(case)


@pytest.fixture
def run(case: "Case") -> "Run":
    """The run that carries the training."""
    from harness.checking.nouns import Run

    return Run(case)


@pytest.fixture
def series(case: "Case", metric: str) -> "Series":
    """The expected metric's series."""
    from harness.checking.nouns import Series

    return Series(case, metric)


@pytest.fixture
def loss(case: "Case") -> Sequence[float]:
    """The loss, in order of its steps."""
    from harness.judging.symptoms.metrics import loss_values

    return loss_values(case)


@pytest.fixture
def system(case: "Case") -> "SystemMetrics":
    """System metrics of the run."""
    from harness.checking.nouns import SystemMetrics

    return SystemMetrics(case)


@pytest.fixture
def metrics_of(case: "Case") -> "Callable[[str], SystemMetrics]":
    """System metrics of one part of the host."""
    from harness.checking.nouns import SystemMetrics

    return lambda part: SystemMetrics(case, part)


@pytest.fixture
def rehearsal(case: "Case") -> "Rehearsal":
    """What was played on the job: an outage, a requeue."""
    from harness.checking.nouns import Rehearsal

    return Rehearsal(case)
