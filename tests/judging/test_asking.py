"""What each check shows by itself: in any order, once, and not where its ground is gone."""

from dataclasses import replace

import pytest

from harness.judging.asking import Asking
from harness.judging.case import Case
from harness.judging.check import Check
from harness.judging.outcomes import NotApplicable, NotChecked
from tests.judging.build import evidence


def check(name, *needs, says=None, each=""):
    def symptom(_case, _parameter):
        if isinstance(says, Exception):
            raise says
        return says

    return Check("test_x.py", f"test_{name}", symptom, needs, each=each)


def outcomes(*checks):
    found = Asking(Case(evidence()), checks).answers()
    return {name.rpartition("::test_")[2]: answer.outcome for name, answer in found.items()}


@pytest.mark.parametrize(
    ("says", "outcome", "reason"),
    [
        (None, "passed", ""),
        ("it is odd", "failed", "it is odd"),
        (NotApplicable("no GPU"), "not_applicable", "no GPU"),
        (NotChecked("no answer"), "not_checked", "no answer"),
        (KeyError("x"), "not_checked", "the check itself broke: KeyError: 'x'"),
    ],
)
def test_every_way_to_answer(says, outcome, reason):
    (answer,) = Asking(Case(evidence()), [check("a", says=says)]).answers().values()
    assert (answer.outcome, answer.reason) == (outcome, reason)


@pytest.mark.parametrize("says", ["it is odd", NotChecked("no answer")])
def test_a_check_without_its_ground_is_blocked_by_the_one_that_failed(says):
    chain = [check("c", "test_b", says="never asked"), check("b", "test_a"), check("a", says=says)]
    answers = Asking(Case(evidence()), chain).answers()
    assert {answers[f"test_x.py::test_{n}"].blocked_by for n in "bc"} == {"test_x.py::test_a"}
    assert answers["test_x.py::test_c"].reason == "blocked by test_x.py::test_a"


def test_what_does_not_apply_takes_nothing_away():
    assert outcomes(check("a", says=NotApplicable("no GPU")), check("b", "test_a"))["b"] == "passed"


def test_a_need_means_the_same_metric():
    by_metric = check("a", each="metric")
    one = replace(by_metric, symptom=lambda _, metric: "none" if metric == "acc" else None)
    found = outcomes(one, check("b", "test_a", each="metric"), check("c", "test_a[loss]"), check("d", "test_a"))
    assert (found["b[loss]"], found["b[acc]"], found["c"], found["d"]) == ("passed", "blocked", "passed", "blocked")
