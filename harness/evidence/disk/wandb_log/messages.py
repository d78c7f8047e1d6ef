"""Protobuf messages of our own, described in a few words each, and the SDK's records as far as they are read here.

Importing the SDK for its message classes would take a second of processor time, and more from a busy file system.
The numbers are those of wandb_internal.proto, which never change once they are given; what is not named is passed over.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FIELD = descriptor_pb2.FieldDescriptorProto
_KINDS = {
    "bytes": _FIELD.TYPE_BYTES,
    "string": _FIELD.TYPE_STRING,
    "bool": _FIELD.TYPE_BOOL,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64,
}
RECORDS = {
    "Record": "Output output 4, Config config 5, Files files 6, Stats stats 7, Telemetry telemetry 11,"
    " Output output_raw 13, Run run 17, Exit exit 18, Header header 21, Preempting preempting 23,"
    " Environment environment 26",
    "Timestamp": "int64 seconds 1, int32 nanos 2",
    "Output": "int32 output_type 1, string line 3",
    "Config": "repeated Item update 1, repeated Item remove 2",
    "Item": "string key 1, repeated string nested_key 2, string value_json 16",
    "Files": "repeated File files 1",
    "File": "string path 1",
    "Stats": "Timestamp timestamp 2, repeated Entry item 3",
    "Entry": "string key 1, string value_json 16",
    "Telemetry": "string python_version 4, string cli_version 5, string platform 13",
    "Settings": "repeated Entry item 1",
    "Run": "string run_id 1, string entity 2, string project 3, Config config 4, string run_group 6, string job_type 7,"
    " string display_name 8, repeated string tags 10, Settings settings 11, string sweep_id 12, string host 13,"
    " int64 starting_step 14, Timestamp start_time 17, bool resumed 18, Telemetry telemetry 19, bool forked 22",
    "Exit": "int32 exit_code 1, int32 runtime 2",
    "Version": "string producer 1",
    "Header": "Version version_info 1",
    "Preempting": "",
    "Environment": "string os 1, string python 2, Timestamp started_at 3, repeated string args 5, string program 6,"
    " string host 12, string executable 14, uint32 cpu_count 16, uint32 cpu_count_logical 17, string gpu_type 18,"
    " uint32 gpu_count 19, repeated Nvidia gpu_nvidia 24, repeated Amd gpu_amd 26, repeated Pair slurm 27",
    "Nvidia": "string name 1, uint64 memory_total 2, uint32 cuda_cores 3, string architecture 4, string uuid 5,"
    " string pci_bus_id 6, uint32 numa_node 7",
    "Amd": "string id 1, string unique_id 2, string vbios_version 3, string performance_level 4,"
    " string gpu_overdrive 5, string gpu_memory_overdrive 6, string max_power 7, string series 8, string model 9, "
    " string vendor 10, string sku 11, string sclk_range 12, string mclk_range 13",
    "Pair": "string key 1, string value 2",
}
"""A map is a list of pairs, and an enumeration a number, to whoever reads them."""


def message_classes(package: str, syntax: str, messages: Mapping[str, str]) -> dict[str, Any]:
    """Make the class of each message; a field is `KIND NAME NUMBER`, perhaps with `repeated` in front."""
    described = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax=syntax)
    for message, fields in messages.items():
        entry = described.message_type.add(name=message)
        for words in filter(None, fields.split(", ")):
            *many, kind, name, number = words.split()
            field = entry.field.add(name=name, number=int(number), type=_KINDS.get(kind, _FIELD.TYPE_MESSAGE))
            field.label = _FIELD.LABEL_REPEATED if many else _FIELD.LABEL_OPTIONAL
            if kind not in _KINDS:
                field.type_name = f".{package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(described)
    made = message_factory.GetMessageClassesForFiles([described.name], pool)
    return {name: made[f"{package}.{name}"] for name in messages}


@cache
def _record_classes() -> dict[str, Any]:
    return message_classes("records", "proto3", RECORDS)


def record_parser() -> Callable[[bytes], Any]:
    """Return the parser of a `Record`; DecodeError where one is broken."""
    parse: Callable[[bytes], Any] = _record_classes()["Record"].FromString
    return parse
