"""The table of scripts: every edit finds what it replaces, and what comes out is Python."""

import ast

import pytest

from harness.judging.catalogue import catalogue
from tests.integrations.cases import CASES, JOBS


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_a_script_and_expects_a_fault_of_the_catalogue(name: str) -> None:
    case = CASES[name]
    ast.parse(case.text())
    assert case.root is None or case.root in catalogue()


def test_every_script_is_tried() -> None:
    assert {path.stem for path in JOBS.glob("*.py")} == {case.script for case in CASES.values()}
