"""The closing tree: a line for each group, and what did not pass with its reason, once."""

import pytest

from harness.judging.verdict import CheckResult
from harness.report.terminal.tree import tree
from tests.report.samples import SAMPLES, inconclusive


def check(name, outcome="passed", reason="", blocked_by=None):
    return CheckResult(name=name, outcome=outcome, reason=reason, blocked_by=blocked_by)


CHECKS = [
    check("test_1_setup.py::test_key"),
    check("test_3_run.py::test_one", "failed", "8 runs"),
    check("test_3_run.py::test_two", "blocked", "", "test_3_run.py::test_one"),
    check("test_5_system.py::test_gpus", "not_applicable", "the job had no GPU"),
    check("test_5_system.py::test_used", "not_applicable", "the job had no GPU"),
]


def test_groups_count_and_what_did_not_pass_says_why():
    assert [line.text for line in tree(CHECKS, 80)] == [
        "  Setup           1 passed",
        "  Run             1 failed, 1 blocked by test_one",
        "    failed: test_one",
        "        8 runs",
        "  System metrics  not applicable: the job had no GPU",
    ]


def test_colours_tell_the_worst_of_a_group():
    assert [line.colour for line in tree(CHECKS, 80) if not line.text.startswith("    ")] == ["green", "red", ""]


def test_the_short_form_is_what_failed_alone():
    assert [line.text for line in tree(CHECKS, 80, whole=False)] == ["    failed: test_one", "        8 runs"]


def test_of_many_checks_with_one_reason_a_few_are_named():
    checks = [check(f"test_3_run.py::test_{n}", "not_checked", "no answer") for n in range(9)]
    told = [line.text for line in tree(checks, 80)]
    assert told[1:] == ["    not checked: test_0, test_1, test_2, test_3 and 5 more", "        no answer"]


@pytest.mark.parametrize("name", SAMPLES)
def test_no_line_is_wider_than_the_terminal_or_carries_controls(name):
    lines = tree(SAMPLES[name]()[1].checks, 80)
    assert all(len(line.text) <= 80 or " " not in line.text.strip() for line in lines)
    assert all(line.text.isprintable() for line in lines)


def test_a_reason_that_all_share_is_told_once_in_each_group():
    told = [line.text.strip() for line in tree(inconclusive()[1].checks, 80)]
    assert told.count("no answer within 30 s") == 4
