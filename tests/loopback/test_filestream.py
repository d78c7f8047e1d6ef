"""The file stream takes a request whole or not at all, and nothing that could not be read back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.loopback.errors import ApiError
from harness.loopback.filestream import CONSOLE, EVENTS, HISTORY, SUMMARY, StreamUpdate, apply_update
from harness.loopback.jsontext import loads
from harness.loopback.rows import MAX_GAP
from harness.loopback.runs import StoredRun

GOOD = {
    HISTORY: {"offset": 0, "content": ['{"loss": 1}']},
    CONSOLE: {"offset": 0, "content": ["2026-01-01T00:00:00 hello"]},
    EVENTS: {"offset": 0, "content": ['{"system.cpu": 1}']},
    SUMMARY: {"offset": 0, "content": ['{"loss": 1}']},
}


def send(run: StoredRun, body: Any, writer: str | None = None) -> None:
    apply_update(run, StreamUpdate.parse(body, writer), 1.0)


@pytest.fixture
def run() -> StoredRun:
    return StoredRun("loopback", "p", "run1", 0.0)


@pytest.mark.parametrize(
    "bad",
    [
        {HISTORY: {"offset": 0, "content": ["{"]}},
        {SUMMARY: {"offset": 0, "content": ["[]"]}},
        {EVENTS: {"offset": -1, "content": []}},
        {CONSOLE: {"offset": MAX_GAP + 1, "content": ["x"]}},
        {CONSOLE: [{"offset": MAX_GAP - 1, "content": ["x"]}, {"offset": MAX_GAP + 2, "content": ["x"]}]},
    ],
)
@pytest.mark.parametrize("writer", [None, "one of several"])
def test_of_a_refused_request_nothing_is_written(run: StoredRun, bad: dict[str, Any], writer: str | None) -> None:
    if writer and (CONSOLE in bad or EVENTS in bad):
        return  # where several write, the server says where
    with pytest.raises(ApiError) as refused:
        send(run, {"files": {**GOOD, **bad}}, writer)
    assert refused.value.status == 400
    assert (len(run.rows), len(run.event_rows), run.console, run.sent_summary) == (0, 0, [], None)
    assert (run.system_metrics, run.shared_places, run.heartbeat_at) == ({}, {}, 0.0)


@pytest.mark.parametrize(
    "body",
    [
        '{"files": {"output.log": {"offset": 1e999, "content": []}}}',
        '{"files": {"output.log": {"offset": 0, "content": "text"}}}',
        '{"files": {"output.log": {"offset": 0, "content": [1]}}}',
        '{"complete": true, "exitcode": 1e999}',
        '{"complete": true, "exitcode": 4294967296}',
        '{"complete": true, "exitcode": [1]}',
    ],
)
def test_what_cannot_be_kept_is_refused(body: str) -> None:
    with pytest.raises(ApiError, match="cannot be read"):
        StreamUpdate.parse(loads(body))


def test_lines_that_never_came_are_bounded_over_all_requests(run: StoredRun) -> None:
    for file, log in ((HISTORY, run.rows), (CONSOLE, run.console_log)):
        send(run, {"files": {file: {"offset": MAX_GAP, "content": ['{"a": 1}']}}})
        send(run, {"files": {file: {"offset": MAX_GAP + 1, "content": ['{"a": 1}']}}})
        with pytest.raises(ApiError):
            send(run, {"files": {file: {"offset": MAX_GAP + 3, "content": ['{"a": 1}']}}})
        assert len(log) == MAX_GAP + 2


def test_lines_that_came_late_make_room_again(run: StoredRun) -> None:
    send(run, {"files": {HISTORY: {"offset": MAX_GAP, "content": ['{"a": 1}']}}})
    send(run, {"files": {HISTORY: {"offset": 0, "content": ['{"a": 0}'] * 10}}})
    send(run, {"files": {HISTORY: {"offset": MAX_GAP + 11, "content": ['{"a": 2}']}}})
    assert [row["a"] for row in run.history] == [0] * 10 + [1, 2]


def test_a_number_larger_than_any_float_is_a_number(run: StoredRun) -> None:
    send(run, {"files": {HISTORY: {"offset": 0, "content": [json.dumps({"a": 10**400, "_step": 10**400})]}}})
    assert run.rows.history_keys()["keys"]["a"]["typeCounts"] == [{"type": "number", "count": 1}]


def test_console_lines_that_look_like_json_and_are_none(run: StoredRun) -> None:
    deep = '{"ts": ' + "[" * 5000
    send(run, {"files": {CONSOLE: {"offset": 0, "content": [deep, '{"ts":']}}})
    assert len(run.console) == 2
