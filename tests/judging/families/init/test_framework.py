"""A framework that trains and was not told of W&B: no run, or a run without a metric."""

import pytest

from harness.evidence.models import ScriptLook
from harness.judging.families.init.framework import FRAMEWORKS, RULES
from tests.judging import build as b

FAULT = "init-framework-without-logger"
EMPTY = b.server(b.server_run(series={}, rows=0))


def told(look, made=b.no_run, **change):
    change = {"job": b.job("Epoch 1"), **change}
    return b.hits(RULES, made(setup=b.setup(script=ScriptLook(**look)), **change)).get(FAULT)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_no_run_was_made(framework):
    hit = told({"frameworks": (framework,)})
    assert hit.fails == ("test_init_succeeded",)
    assert hit.values["framework"] == FRAMEWORKS[framework].name


def test_the_run_that_the_script_made_stays_empty():
    hit = told({"frameworks": ("lightning",), "calls_init": True}, b.evidence, server=EMPTY)
    assert hit.fails[0] == "test_series_is_present"


@pytest.mark.parametrize(
    ("look", "change"),
    [
        ({"frameworks": ("lightning",), "attached": ("lightning",)}, {}),
        ({"frameworks": ("trl", "accelerate"), "attached": ("trl",)}, {}),
        ({"frameworks": ("tensorboard",)}, {}),
        ({}, {}),
        ({"frameworks": ("accelerate",), "logs_itself": True}, {}),
        ({"frameworks": ("lightning",)}, {"job": b.job("x", ending="failed")}),
        ({"frameworks": ("lightning",)}, {"server": b.server(b.server_run())}),
    ],
    ids=[
        "with its logger", "one of them with its logger", "TensorBoard alone", "no framework",
        "the script logs by itself", "the job failed", "metrics are there",
    ],
)  # fmt: skip
def test_otherwise_nothing_is_said(look, change):
    assert told(look, **change) is None
