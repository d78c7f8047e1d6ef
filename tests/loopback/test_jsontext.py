"""JSON from anybody is read so that all that comes later can go on with it."""

from __future__ import annotations

import json

import pytest

from harness.loopback.jsontext import DEEPEST, loads, strict
from harness.loopback.messages import Response


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deeply_is_no_json(opening: str, closing: str) -> None:
    def nested(depth: int) -> str:
        return opening * depth + "1" + closing * depth

    assert strict(loads(nested(DEEPEST)))
    for depth in (DEEPEST + 1, 900, 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            loads(nested(depth))


def test_a_long_list_is_not_deep() -> None:
    assert len(loads(json.dumps([[n] for n in range(1000)]))) == 1000


@pytest.mark.parametrize("text", ['"a\\ud800b"', '"a\\uDFFFb"', '"a\ud800b"', b'"a\\ud800b"', b'"a\xed\xa0\x80b"'])
def test_half_of_a_surrogate_pair_is_replaced(text: str | bytes) -> None:
    assert loads(text) == "a\ufffdb"


def test_half_of_a_pair_is_replaced_in_keys_and_below() -> None:
    assert loads('{"\\ud800": ["\\udc00", {"x": "\\ud83d\\ude00"}]}') == {"\ufffd": ["\ufffd", {"x": "\U0001f600"}]}
    assert loads('"\\ud800"'.encode("utf-16")) == "\ufffd"


def test_an_answer_is_strict_json_whatever_number_it_holds() -> None:
    assert Response.of_json(200, {"a": [float("inf"), 1]}).body == b'{"a":["Infinity",1]}'
