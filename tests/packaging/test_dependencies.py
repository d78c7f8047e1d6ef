"""The minimums of pyproject.toml are those that were tried."""

import re

from packaging.requirements import Requirement

from tests.repository import REPOSITORY as ROOT

TOOLS = {
    "axe-core-python",
    "build",
    "check-wheel-contents",
    "coverage",
    "import-linter",
    "mypy",
    "ruff",
    "torch",
    "torchvision",
    "twine",
    "types-requests",
    "types-protobuf",
    "types-pyyaml",
}
"""Not needed by the quick tests, or too large."""


def minimums():
    """Every requirement of pyproject.toml by name, without a parser of TOML, which Python 3.10 lacks."""
    text = (ROOT / "pyproject.toml").read_text().partition("[project.urls]")[0].partition("\ndependencies")[2]
    text = re.sub(r"\nframeworks = \[.*?\n\]", "", text, flags=re.DOTALL)  # tried in an environment of their own
    named = [Requirement(word) for word in re.findall(r'"([A-Za-z][\w.-]*>=[^"]+)"', text)]
    return {r.name.lower(): str(r.specifier).removeprefix(">=") for r in named}


def test_the_lowest_versions_are_those_that_were_tried():
    lines = (ROOT / "tests" / "lowest.txt").read_text().splitlines()
    tried = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert {name: low for name, low in minimums().items() if name not in TOOLS} == tried
