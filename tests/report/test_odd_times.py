"""Clocks that jump, run backwards or stand still: every rule and every report copes, and no page tells nonsense."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from harness.evidence.models import Evidence
from harness.judging.judge import judge
from harness.report.html.checks import sentences
from harness.report.html.page import render
from harness.report.markdown import summary
from tests.report.html.test_page import AGAIN
from tests.report.pages import Page
from tests.report.samples import SAMPLES, START

CLOCKS: dict[str, Callable[[float], float]] = {
    "backwards": lambda at: 2 * START - at,
    "standing": lambda _: START,
    "before 1970": lambda at: START - at - 1e6,
    "in the far future": lambda at: at + 1e11,
    "jumping a year": lambda at: at - 3.2e7 if int(at) % 2 else at,
}
UNIX_S = (1e9, 4e9)
NONSENSE = re.compile(r"(?<![\w.])-\d[\d.,]* (?:s|min|h|days?)\b|\bnan\b|\binf\b", re.IGNORECASE)


def twisted(part: Any, clock: Callable[[float], float]) -> Any:
    """The same document with every Unix time told by another clock."""
    if isinstance(part, dict):
        return {key: twisted(value, clock) for key, value in part.items()}
    if isinstance(part, list):
        return [twisted(value, clock) for value in part]
    return clock(part) if isinstance(part, float) and UNIX_S[0] < part < UNIX_S[1] else part


@cache
def document(sample: Callable[[], tuple[Evidence, Any]]) -> Any:
    """The evidence of the sample as a document."""
    return sample()[0].model_dump(mode="json")


@cache
def straight(sample: Callable[[], tuple[Evidence, Any]]) -> str:
    """The pages of the sample by the right clock; what stands there is no nonsense."""
    found, _ = sample()
    verdict = judge(found)
    return f"{render(found, verdict, sentences(), AGAIN)}\n{summary(found, verdict, sentences(), AGAIN)}"


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_odd_clocks_do_no_harm(sample, clock):
    odd = Evidence.model_validate(twisted(document(sample), clock))
    again = judge(odd)
    words = " ".join(element.words for element in Page(render(odd, again, sentences(), AGAIN)).elements)
    text = f"{words}\n{summary(odd, again, sentences(), AGAIN)}"
    told = [m for m in dict.fromkeys(NONSENSE.findall(text)) if m not in straight(sample)]
    assert told == []
