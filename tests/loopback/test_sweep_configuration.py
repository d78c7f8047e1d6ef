"""The configuration of a sweep is checked when it comes, so that neither agents nor readers stumble over it."""

from __future__ import annotations

import pytest

from harness.loopback.errors import ApiError
from harness.loopback.sweeps.configuration import LONGEST, check_plan, read

DOUBLING = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcde", "bcdef", strict=True)
)


@pytest.mark.parametrize(
    "config",
    [
        "[", "[]", "{a: " * 3000, "[" * 3000, "a: 2026-99-99", "x" * (LONGEST + 1), DOUBLING, "a: &a [*a]",
        "? 2026-01-31\n: x", "name: []", "method: {a: 1}", "program: [a]", "metric: 3", "controller: x",
        "parameters: 3", "parameters: {x: 1}",
        "method: random\nparameters: {x: {values: []}}",
        "method: random\nparameters: {x: {distribution: log_uniform, min: 9999, max: 9999}}",
        "method: random\nparameters: {x: {distribution: [], min: 0}}",
        "method: random\nparameters: {x: {parameters: 3}}",
        "method: grid\nparameters: {x: {distribution: q_uniform, min: 0, max: 1, q: 0}}",
        "method: grid\nparameters: {x: {distribution: q_uniform, min: 0, max: .inf}}",
        "method: grid\nparameters: {x: {min: 0, max: 900000}, y: {min: 0, max: 900000}}",
        "method: grid\nparameters: {x: {parameters: {a: {min: 0, max: 9999}, b: {min: 0, max: 9999}}}}",
    ],
)  # fmt: skip
def test_what_no_run_can_come_from_is_refused(config: str) -> None:
    with pytest.raises(ApiError, match="invalid sweep config") as refused:
        read(config)
    assert refused.value.status == 400


def test_what_json_has_not_becomes_text_and_aliases_are_written_out() -> None:
    config = "method: grid\nparameters:\n  x: &x {values: [2026-01-31]}\n  y: *x\n"
    assert read(config)["parameters"] == {"x": {"values": ["2026-01-31"]}, "y": {"values": ["2026-01-31"]}}


@pytest.mark.parametrize("text", ["[]", "{", '{"schedule": [1]}', '{"schedule": 3}', '{"scheduled": [{"id": []}]}'])
def test_a_plan_that_no_run_can_come_from_is_refused(text: str) -> None:
    with pytest.raises(ApiError, match="controller"):
        check_plan("controller", text)


def test_a_plan_with_a_run() -> None:
    check_plan("controller", '{"type": "local", "schedule": [{"id": "1", "data": {"args": {}}}]}')
    check_plan("controller", None)
