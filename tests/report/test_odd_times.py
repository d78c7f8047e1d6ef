"""Clocks that jump, run backwards or stand still: every rule and every report copes, and no page tells nonsense."""

import json
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
UNIX_S = re.compile(r"(?<=[ \[])[1-3]\d{9}\.\d+(?=[,\]}])")
TIMED = [name for name in SAMPLES if name not in ("no_key", "nothing", "hostile")]
"""The others tell no time."""
NONSENSE = re.compile(r"(?<![\w.])-\d[\d.,]* (?:s|min|h|days?)\b|\bnan\b|\binf\b", re.IGNORECASE)


def twisted(document: str, clock: Callable[[float], float]) -> str:
    """The same JSON with every Unix time told by another clock."""
    return UNIX_S.sub(lambda time: str(clock(float(time[0]))), document)


@cache
def document(sample: Callable[[], tuple[Evidence, Any]]) -> str:
    """The evidence of the sample as JSON."""
    return json.dumps(sample()[0].model_dump(mode="json"))


@cache
def straight(sample: Callable[[], tuple[Evidence, Any]]) -> str:
    """The pages of the sample by the right clock; what stands there is no nonsense."""
    found, _ = sample()
    verdict = judge(found)
    return f"{render(found, verdict, sentences(), AGAIN)}\n{summary(found, verdict, sentences(), AGAIN)}"


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
@pytest.mark.parametrize("sample", [SAMPLES[name] for name in TIMED], ids=TIMED)
def test_odd_clocks_do_no_harm(sample, clock):
    odd = Evidence.model_validate(json.loads(twisted(document(sample), clock)))
    assert odd != sample()[0]
    again = judge(odd)
    words = " ".join(element.words for element in Page(render(odd, again, sentences(), AGAIN)).elements)
    text = f"{words}\n{summary(odd, again, sentences(), AGAIN)}"
    told = [m for m in dict.fromkeys(NONSENSE.findall(text)) if m not in straight(sample)]
    assert told == []
