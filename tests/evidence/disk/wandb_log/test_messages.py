"""Tests of the record messages: they say what the SDK's own say, and reading a log leaves the SDK alone."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor

from harness.evidence.disk.wandb_log.messages import record_parser
from tests.in_ci import real_part

wandb_internal_pb2: Any = pytest.importorskip("wandb.proto.wandb_internal_pb2")


def _differences(ours: Any, theirs: Any) -> list[str]:
    """Fields that the SDK has elsewhere, or of another kind on the wire; a number is a number there."""
    found = []
    for field in ours.fields:
        their = theirs.fields_by_number.get(field.number)
        entry = their is not None and their.message_type and their.message_type.GetOptions().map_entry
        numbers = (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_ENUM)
        if their is None or their.name != field.name or their.is_repeated != field.is_repeated:
            found.append(f"{ours.name}.{field.name} = {field.number}")
        elif field.type != their.type and not {field.type, their.type} <= set(numbers):
            found.append(f"{ours.name}.{field.name}: {field.type}, not {their.type}")
        elif field.message_type and not entry:
            found += _differences(field.message_type, their.message_type)
    return found


def test_the_messages_are_those_of_the_sdk() -> None:
    ours = record_parser().__self__.DESCRIPTOR  # type: ignore[attr-defined]
    assert _differences(ours, wandb_internal_pb2.Record.DESCRIPTOR) == []


@real_part
def test_reading_logs_imports_no_sdk() -> None:
    code = (
        "import sys, harness.verification.verify, harness.evidence.disk.wandb_log.messages as m;"
        "m.record_parser(); sys.exit('wandb' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
