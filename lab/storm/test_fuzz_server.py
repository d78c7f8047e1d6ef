"""Damaged requests in the quick suite: hundreds here, 100,000 of each kind in `fuzz_server.py`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lab.storm import fuzz_server
from lab.storm.mutated_requests import damaged_graphql, damaged_stream
from lab.storm.recorded_requests import KEY
from lab.storm.unplugged import Answer

JSON = {"Content-Type": "application/json"}


def test_the_server_survives_damaged_requests() -> None:
    part = fuzz_server.run(0, 0, 200, processes=1)
    assert part.failure == ""
    assert part.statuses.total() == 400
    for status in (200, 400, 404):
        assert {kind for kind, found in part.statuses if found == status} == {"GraphQL", "file stream"}


def test_a_number_is_always_the_same_request() -> None:
    assert [damaged_graphql(n) for n in range(40)] == [damaged_graphql(n) for n in range(40)]
    assert [damaged_stream(n) for n in range(40)] == [damaged_stream(n) for n in range(40)]


def test_the_number_that_breaks_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_server, "check", lambda *_, **__: 1 / 0)
    part = fuzz_server.run(0, 3, 20, processes=1)
    assert part.failure.startswith("GraphQL 0:\n")
    assert "ZeroDivisionError" in part.failure


@pytest.mark.parametrize(
    ("answer", "crashes"),
    [
        (Answer(500, JSON, b"{}"), []),
        (Answer(302, JSON, b"{}"), []),
        (Answer(200, JSON, b'{"data": NaN}'), []),
        (Answer(200, JSON, b"[]"), []),
        (Answer(200, JSON, b"{}"), []),
        (Answer(200, {"Content-Type": "text/html"}, b'{"data": null}'), []),
        (Answer(400, JSON, f'{{"error": "{KEY}"}}'.encode()), []),
        (Answer(400, JSON, b"{}"), ["a resolver failed"]),
    ],
)
def test_an_answer_that_is_not_the_servers_own_is_noticed(answer: Answer, crashes: list[str]) -> None:
    server = SimpleNamespace(application=SimpleNamespace(crashes=crashes))
    fuzz_server.check(
        Answer(200, JSON, b'{"data": null}'), SimpleNamespace(application=SimpleNamespace(crashes=[])), graphql=True
    )
    with pytest.raises(AssertionError):
        fuzz_server.check(answer, server, graphql=True)
