"""Builds runs by their system metrics and the probe of their node, for tests of the rules about them."""

from harness.evidence.models import CommandProbe, Device, LibraryProbe, NodeTelemetry, Request, Telemetry
from tests.judging import build as b

HOST = {
    "cpu": (5.0, 6.0, 7.0), "memory_percent": (40.0, 41.0, 42.0), "disk./.usageGB": (1.0, 1.0, 1.0),
    "network.sent": (1.0, 2.0, 3.0),
}  # fmt: skip
RECORDED = {"host": "nid005001", "cpu_count": 64}


def gcd(index, *, busy=(0.0, 90.0, 95.0), memory=(1.0, 40.0, 41.0), temp=(50.0, 55.0, 60.0), power=None):
    """The series of one GCD of an MI250X: odd ones have no power."""
    watts = ((0.0, 0.0, 0.0) if index % 2 else (95.0, 400.0, 450.0)) if power is None else power
    named = {
        "gpu": busy, "memoryAllocated": memory, "memoryReadWriteActivity": (0.0, 20.0, 30.0),
        "memoryOverDrive": (0.0, 0.0, 0.0), "temp": temp, "powerWatts": watts, "powerPercent": watts,
    }  # fmt: skip
    return {f"gpu.{index}.{name}": values for name, values in named.items() if values}


def gcds(count=8, **change):
    """The series of a node's GCDs."""
    return {k: v for index in range(count) for k, v in gcd(index, **change).items()}


def devices(count=8):
    """What the probe of a node finds in /sys."""
    return tuple(Device(index=i, vendor="amd") for i in range(count))


def node(*, initstate="live\n", command=None, library=None, seen=8, **change):
    """The probe of a LUMI node where all is well."""
    command = (
        CommandProbe(
            path="/opt/rocm/bin/rocm-smi", exit_code=0, seconds=1.0, cards=8, parsable=True, rocm_generation="6.1+"
        )
        if command is None
        else command
    )
    library = (
        LibraryProbe(path="/opt/rocm/lib/librocm_smi64.so", loadable=True, initialised=True, devices=8)
        if library is None
        else library
    )
    return NodeTelemetry(
        host="nid005001", rank=0, initstate=initstate, command=command, library=library, devices=devices(seen), **change
    )  # fmt: skip


def lumi(system, *, sdk="0.28.2", at=None, nproc=8, nodes=1, metadata=None, **change):
    """A run on LUMI with these system metrics, and a probe of its node."""
    run = b.server_run(
        system={f"system.{k}": b.system(k, v) for k, v in system.items()}, sdk_version=sdk,
        metadata=RECORDED if metadata is None else metadata,
    )  # fmt: skip
    return b.evidence(
        **{
            "request": Request(target="slurm", server="real", nproc=nproc, nodes=nodes),
            "server": b.server(run),
            "local": b.local(b.local_run(log=b.log(sdk_version=sdk, runtime_s=60), **change.pop("on_disk", {}))),
            "telemetry": Telemetry(nodes=() if at is None else (at,)),
            **change,
        }
    )


def laptop(system, **change):
    """A run on a machine without GPUs."""
    return lumi(system, request=Request(server="real", job_kind="script", nproc=2), **change)


def rocm_smi(**change):
    """A call of rocm-smi."""
    answer = {"path": "/usr/bin/rocm-smi", "exit_code": 0, "seconds": 1.0, "cards": 8, "parsable": True}
    return CommandProbe(**{**answer, **change})
