"""Tests of the bulk parsers: they must take what the SDK's own classes write."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from google.protobuf.wrappers_pb2 import UInt64Value

from harness.evidence.disk.wandb_log.schema import Schema, varint

Record: Any = pytest.importorskip("wandb.proto.wandb_internal_pb2").Record
SCHEMA = Schema()
ITEMS = [{"nested_key": ["a", "b"], "value_json": "1"}, {"key": "c", "value_json": "2"}]
CHANGES = {"update": [{"key": "d", "value_json": "3"}], "remove": [{"nested_key": ["e"]}, {"key": "f"}]}
RECORDS = [*(Record(num=number, history={"item": ITEMS}) for number in (1, 300)), Record(summary=CHANGES)]
PAYLOADS = [record.SerializeToString() for record in RECORDS]


@pytest.mark.parametrize("number", [0, 1, 127, 128, 129, 255, 256, 2**14 - 1, 2**14, 2**32, 2**64 - 1])
def test_numbers_are_written_as_protobuf_writes_them(number: int) -> None:
    assert varint(number) == (UInt64Value(value=number).SerializeToString()[1:] or b"\0")


def test_items_of_many_records_are_strung_together() -> None:
    record = SCHEMA.flat(SCHEMA.join(PAYLOADS)).record
    assert list(record.history.items.nested_key) == [b"a", b"b"] * 2
    assert list(record.history.items.key) == [b"c"] * 2
    assert list(record.history.items.value) == [b"1", b"2"] * 2
    assert (list(record.summary.items.key), list(record.summary.items.value)) == ([b"d"], [b"3"])
    assert len(record.summary.remove) == 2


def test_serialized_items_are_told_apart() -> None:
    record = SCHEMA.raw(SCHEMA.join(PAYLOADS)).record
    wanted = [part.SerializeToString() for found in RECORDS for part in found.history.item]
    assert list(record.history.items) == wanted
    assert list(record.summary.items) == [part.SerializeToString() for part in RECORDS[2].summary.update]


@pytest.mark.parametrize("size", [1, 127, 128, 4095, 4096, 5000, 2**14, 2**21])
def test_records_of_any_length_are_framed(size: int) -> None:
    wide = Record(history={"item": [{"key": "k", "value_json": "9" * size}]}).SerializeToString()
    for payloads in ([wide], [*PAYLOADS, wide, PAYLOADS[0]]):
        values = list(SCHEMA.flat(SCHEMA.join(payloads)).record.history.items.value)
        assert b"9" * size in values
        marked = SCHEMA.join(payloads, b"\x0a\x04\x12\x02\x0a\x00")
        assert list(SCHEMA.raw(marked).record.history.items).count(b"") == len(payloads)


def test_a_broken_record_cannot_eat_the_next() -> None:
    with pytest.raises(DecodeError):
        SCHEMA.flat(SCHEMA.join([PAYLOADS[0][:-1], PAYLOADS[1]]))
