"""Tests of the wire format taken apart by hand: protobuf and the SDK's own message classes are the measure."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.wrappers_pb2 import BytesValue, DoubleValue, FloatValue, UInt64Value

from harness.evidence.disk.wandb_log import wire
from tests.evidence.disk.wandb_log.logfile import item, message, varint

Record: Any = pytest.importorskip("wandb.proto.wandb_internal_pb2").Record

ITEMS = [
    {"nested_key": ["d", "x"], "value_json": "1"},
    {"key": "loss", "value_json": "0.25"},
    {"nested_key": ["text"], "value_json": '"' + "x" * 300 + '"'},
]
HISTORY = Record(
    num=300, history={"item": ITEMS, "step": {"num": -7}}, control={"req_resp": True}, uuid="u"
).SerializeToString()
NUMBERS = [0, 1, 127, 128, 300, 2**14 - 1, 2**14, 2**32, 2**63 - 1, 2**63, 2**64 - 1]


def taken(data: bytes) -> bool:
    try:
        list(wire.fields(data))
    except wire.WireError:
        return False
    return True


def test_the_numbers_of_the_record_types_are_those_of_the_sdk() -> None:
    known = {field.number: field.name for field in Record.DESCRIPTOR.oneofs_by_name["record_type"].fields}
    known[24] = "link_artifact"  # the newest SDKs call it `noop_link_artifact`
    assert known == wire.RECORD_TYPES


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_any_size(number: int) -> None:
    (field,) = wire.fields(UInt64Value(value=number).SerializeToString() or b"\x08\0")
    assert (field.number, field.wire_type, field.value) == (1, wire.VARINT, number)


def test_fields_of_every_wire_type_are_told_apart() -> None:
    written = [UInt64Value(value=5), DoubleValue(value=0.5), BytesValue(value=b"text"), FloatValue(value=0.5)]
    data = b"".join(part.SerializeToString() for part in written)
    found = list(wire.fields(data))
    assert [field.wire_type for field in found] == [wire.VARINT, wire.FIXED64, wire.LENGTH, wire.FIXED32]
    assert [(field.number, field.value) for field in found] == [(1, 5), (1, 0), (1, 0), (1, 0)]
    assert [field.stop - field.start for field in found] == [0, 8, 4, 4]
    assert data[found[2].start : found[2].stop] == b"text"
    assert found[-1].stop == len(data)


def test_a_field_may_have_any_number_that_protobuf_knows() -> None:
    for number, wanted in ((0, False), (1, True), (2**29 - 1, True), (2**29, False)):
        assert taken(varint(number << 3) + b"\0") is wanted
        assert taken(varint(number << 3 | 2) + b"\x01x") is wanted


@pytest.mark.parametrize("last", [0, 1, 2, 0x7F])
def test_a_number_of_more_than_64_bits_is_no_number(last: int) -> None:
    # Ten bytes hold 70 bits; the SDK's Go reader refuses what does not fit 64.
    assert taken(b"\x08" + b"\xff" * 9 + bytes([last])) is (last < 2)
    assert taken(b"\x08" + b"\x80" * 9 + bytes([last])) is (last < 2)
    assert not taken(b"\x08" + b"\x80" * 10 + b"\0")


def test_protobuf_takes_whatever_is_taken() -> None:
    payload = HISTORY + DoubleValue(value=1).SerializeToString() + FloatValue(value=1).SerializeToString()
    for stop in range(len(payload)):
        assert taken(payload[:stop]) is protobuf_takes(payload[:stop])
    # Groups and the field 0, which no SDK writes, are refused here, whatever protobuf says.
    damaged = [
        payload[:at] + bytes([byte]) + payload[at + 1 :]
        for at in range(len(payload))
        for byte in (0, 1, 5, 0x0A, 0x12, 0x13, 0x14, 0x1A, 0x7F, 0x80, 0xFF)
    ]
    assert all(protobuf_takes(data) for data in damaged if taken(data))
    assert sum(map(taken, damaged)) > 1000


def protobuf_takes(data: bytes) -> bool:
    try:
        Empty.FromString(data)
    except DecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"history": {}}, "history"),
        ({"num": 2**40, "summary": {}}, "summary"),
        ({"run": {"run_id": "a"}, "control": {"req_resp": True}, "uuid": "u"}, "run"),
        ({"exit": {"exit_code": 1}, "control": {"local": True}}, "exit"),
        ({"request": {}}, "request"),
        ({"num": 3, "control": {"local": True}, "uuid": "u"}, None),
        ({}, None),
    ],
)
def test_the_type_of_a_record(record: dict[str, Any], kind: str | None) -> None:
    found = wire.record_type(Record(**record).SerializeToString())
    assert wire.RECORD_TYPES.get(found) == kind
    assert kind or not found


def test_a_number_where_a_record_should_be_is_no_record() -> None:
    assert wire.record_type(b"\x10\x05") == 0
    with pytest.raises(wire.WireError):
        wire.record_type(b"\x12\x05")


def test_items_are_what_the_sdk_put_in() -> None:
    expected = [((b"d", b"x"), b"1"), ((b"loss",), b"0.25"), ((b"text",), b'"' + b"x" * 300 + b'"')]
    assert [tuple(found) for found in wire.items(HISTORY, wire.HISTORY)] == expected
    assert wire.items(HISTORY, wire.SUMMARY) == []
    raws = wire.raw_items(HISTORY, wire.HISTORY)
    assert raws is not None
    assert [tuple(wire.item(raw)) for raw in raws] == expected
    assert wire.raw_items(HISTORY, wire.SUMMARY) == []
    changed = Record(summary={"update": ITEMS[:2], "remove": [{"key": "old"}, {"nested_key": ["e", "y"]}]})
    payload = changed.SerializeToString()
    assert [tuple(found) for found in wire.items(payload, wire.SUMMARY)] == expected[:2]
    assert [found.path for found in wire.items(payload, wire.SUMMARY, 2)] == [(b"old",), (b"e", b"y")]


def test_a_broken_item_breaks_the_record() -> None:
    broken = message(b"\x12", item(["a"], "1") + message(b"\x0a", b"\x12\x05ab"))
    assert wire.raw_items(broken, wire.HISTORY) is None
    with pytest.raises(wire.WireError):
        wire.items(broken, wire.HISTORY)


def test_a_field_of_another_type_is_no_part_of_an_item() -> None:
    strangers = DoubleValue(value=1).SerializeToString() + UInt64Value(value=1).SerializeToString()
    strangers += b"\x80\x01\x05" + message(b"\x22", b"new")  # value_json as a number; a field of the future
    key, value = message(b"\x12", b"a"), message(b"\x82\x01", b"1")
    assert tuple(wire.item(strangers + key + strangers + value + strangers)) == ((b"a",), b"1")


@pytest.mark.parametrize("step", [0, 1, -1, 7, 2**31, 2**63 - 1, -(2**63)])
def test_the_step_of_a_row(step: int) -> None:
    assert wire.history_step(Record(num=1, history={"step": {"num": step}}).SerializeToString()) == step


def test_a_row_without_a_readable_step() -> None:
    assert wire.history_step(Record(history={"item": ITEMS}).SerializeToString()) is None
    assert wire.history_step(Record(summary={"update": ITEMS}).SerializeToString()) is None
    assert wire.history_step(message(b"\x12", message(b"\x12", b"\x08"))) is None
    # A field of the future beside the number, and a number that is none.
    assert wire.history_step(message(b"\x12", message(b"\x12", b"\x08\x05\x10\x09\x0a\x00"))) == 5


def key_fields(*parts: bytes, tag: bytes = b"\x12") -> bytes:
    return b"".join(message(tag, part) for part in parts)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (key_fields(b"loss"), (b"loss",)),
        (key_fields(b"loss", tag=b"\x0a"), (b"loss",)),
        (key_fields(b"d", b"x"), (b"d", b"x")),
        (b"", ()),
        (key_fields(b"a") + message(b"\x82\x01", b"1"), None),
        (key_fields(b"a") + message(b"\x1a", b"1"), None),
        (key_fields(b"a") + b"\x10\x05", None),
        (key_fields(b"a")[:-1], None),
    ],
)
def test_a_path_is_whole_or_none(data: bytes, path: tuple[bytes, ...] | None) -> None:
    assert wire.whole_path(data) == path


@pytest.mark.parametrize("size", [0, 1, 2, 126, 127, 128, 129, 255, 256, 300, 2**14 - 1])
def test_a_value_that_ends_its_item_is_taken_at_once(size: int) -> None:
    value = bytes(index % 251 for index in range(size))
    whole = message(b"\x82\x01", value)
    assert wire.only_value(whole) == value
    for other in (whole[:-1], whole + b"x", b"\x8a" + whole[1:], b"x" + whole, whole[:2]):
        assert wire.only_value(other) is None


def test_a_value_of_many_bytes_is_left_to_the_exact_way() -> None:
    for size in (2**14, 2**14 + 1, 2**15, 3 * 2**14 + 1):
        assert wire.only_value(message(b"\x82\x01", bytes(size))) is None
    assert wire.only_value(b"") is None
    assert wire.only_value(b"\x82\x01\x80") is None


def test_fields_follow_each_other_without_a_gap() -> None:
    found = list(wire.fields(HISTORY))
    assert [field.number for field in found] == [1, 2, 16, 19]
    assert all(before.stop < after.start for before, after in pairwise(found))
    inside = list(wire.fields(HISTORY, found[1].start, found[1].stop))
    assert [field.number for field in inside] == [1, 1, 1, 2]
    assert inside[-1].stop == found[1].stop
