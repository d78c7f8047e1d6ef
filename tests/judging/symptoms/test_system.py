"""Checks of the system metrics: which outcome each gives, and in which words, before any cause is known."""

import pytest

from harness.evidence.models import Trouble, Watch
from harness.judging.case import Case
from harness.judging.judge import judge
from harness.judging.outcomes import NotChecked
from harness.judging.symptoms.system import metrics_were_visible_while_running
from tests.judging import build as b
from tests.judging.gpu_runs import HOST, gcd, gcds, laptop, lumi, node

SEEN = Watch(
    polls=9, run_visible_s=2.0, first_point_s=3.0, first_system_metric_s=4.0, last_poll_s=58.0, job_ended_s=60.0
)
REFUSED = Trouble(kind="auth", text="user is not logged in")


def outcome(evidence, check):
    result = next(c for c in judge(evidence).checks if c.name.endswith(check))
    return result.outcome, result.reason


@pytest.mark.parametrize(("system", "said"), [(HOST, "passed"), ({"memory_percent": (1.0, 2.0)}, "failed")])
def test_a_part_of_the_host(system, said):
    found, why = outcome(laptop(system), "test_host_metrics_are_captured[cpu]")
    assert found == said
    assert said == "passed" or why == "no cpu metric was recorded"


def test_all_gcds_report_and_were_used():
    found = lumi({**HOST, **gcds()}, at=node())
    assert outcome(found, "test_every_gpu_reports")[0] == "passed"
    assert outcome(found, "test_gpus_were_used")[0] == "passed"


def test_gcds_that_are_not_there():
    said, why = outcome(lumi({**HOST, **gcds(7)}, at=node()), "test_every_gpu_reports")
    assert said == "failed"
    assert why.startswith("7 GPUs report, but ")


@pytest.mark.parametrize(("count", "said"), [(7, "not_checked"), (8, "passed")])
def test_gcds_may_be_missing_where_the_metrics_could_not_be_read_whole(count, said):
    found = lumi({**HOST, **gcds(count)}, at=node())
    unread = found.server.model_copy(update={"partial": (Trouble(kind="http", text="HTTP 500", where="system"),)})
    assert outcome(found.model_copy(update={"server": unread}), "test_every_gpu_reports")[0] == said


def test_a_gcd_with_a_gap():
    series = {**HOST, **gcds(7), **gcd(7, memory=())}
    assert outcome(lumi(series, at=node()), "test_every_gpu_reports")[0] == "failed"


def test_gcds_that_stayed_idle():
    idle = gcds(busy=(0.0, 0.0, 0.0), memory=(0.0, 0.0, 0.0))
    assert outcome(lumi({**HOST, **idle}, at=node()), "test_gpus_were_used") == (
        "failed", "every GPU stayed idle: the job ran on the CPU, or not at all",
    )  # fmt: skip


def test_a_job_without_gpus_is_not_asked_about_them():
    assert outcome(laptop(HOST), "test_every_gpu_reports") == ("not_applicable", "the job had no GPU")


@pytest.mark.parametrize(
    ("change", "said", "why"),
    [
        ({}, "passed", ""),
        ({"first_point_s": None}, "failed", "no point of any metric could be seen while the job ran"),
        ({"first_system_metric_s": None}, "failed", "no system metric could be seen while the job ran"),
        (
            {"first_point_s": None, "failed_polls": 3, "last_poll_s": 9.0, "troubles": (REFUSED,)},
            "not_checked", "looks at the server failed while the job ran (3 of 9): user is not logged in",
        ),
        (
            {"first_point_s": None, "failed_polls": 3, "last_poll_s": 9.0},
            "not_checked", "looks at the server failed while the job ran (3 of 9): no reason was given",
        ),
    ],
)  # fmt: skip
def test_what_could_be_seen_while_the_job_ran(change, said, why):
    found = lumi({**HOST, **gcds()}, at=node(), watch=SEEN.model_copy(update=change))
    assert outcome(found, "test_metrics_were_visible_while_running") == (said, why)


@pytest.mark.parametrize(("trouble", "words"), [(REFUSED, REFUSED.text), (None, "no reason was given")])
def test_a_server_that_could_not_be_read_says_nothing_of_what_was_visible(trouble, words):
    never = SEEN.model_copy(update={"run_visible_s": None, "first_point_s": None, "first_system_metric_s": None})
    found = b.evidence(request=lumi(HOST).request, watch=never, server=b.server(status="failed", trouble=trouble))
    with pytest.raises(NotChecked, match=f"^the server could not be read: {words}$"):
        metrics_were_visible_while_running(Case(found), "")
