"""Artifacts, sweeps, forks and refusals as scripts meet them, under the unmodified SDK of many ages."""

from __future__ import annotations

import pytest

from tests.compat.conftest import Sdk
from tests.in_ci import ends_in_ci

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("sdk", ends_in_ci("0.19.5", "0.24.2", "0.28.2", "0.31.0"), indirect=True),
]


def test_artifacts_as_a_training_script_uses_them(sdk: Sdk) -> None:
    seen = sdk.probe("artifact_probe.py", "artifacts")
    assert seen["versions"] == ["v0", "v0", "v1"]
    whole = {"a.txt": "one", "sub/b.txt": "B"}
    assert (seen["downloaded"], seen["cached"], seen["prefix"]) == (whole, whole, {"sub/b.txt": "B"})
    assert seen["entry"] == "one"
    assert seen["table"] == [[1, "x"], [2, "y"]]
    assert {"best"} <= set(seen["aliases"])
    assert (seen["metadata"], seen["description"], seen["size"]) == ({"k": 1}, "what it is", 4)
    assert (seen["logged_by"], seen["used_by"]) == ("writer", ["reader"])
    assert {"model:v0", "model:v1", "table:v0"} <= set(seen["logged"])
    assert seen["used"] == ["model:v1"]
    assert (seen["listed"], seen["left"]) == (["v1", "v0"], ["v0"])
    assert {"model", "dataset"} <= set(seen["types"])
    assert {"model", "shelf"} <= set(seen["collections"])
    assert seen["linked"] == "v0"
    assert seen["files"] == ["a.txt", "sub/b.txt"]
    assert seen["changed"] == ["v0", "what it was", {"k": 1, "more": 2}]


def test_a_sweep_is_walked_by_an_agent(sdk: Sdk) -> None:
    seen = sdk.probe("artifact_probe.py", "sweep")
    assert seen == {"tried": [1, 2], "state": "FINISHED", "best": 2, "runs": 2, "expected": 2}


def test_forks_and_rewinds(sdk: Sdk) -> None:
    seen = sdk.probe("artifact_probe.py", "branches")
    assert seen == {"fork": [0, 1, 2, 30], "parent": [0, 1, 20]}


def test_what_is_not_there_is_said_in_one_sentence(sdk: Sdk) -> None:
    seen = sdk.probe("artifact_probe.py", "queue")
    assert "the embedded server has no launch queues: use --server real" in seen["seen"]
    assert sdk.server.refused_operations != []
