"""Rules of the family system metrics: which precondition of GPU telemetry failed, or nothing at all."""

import pytest

from harness.diagnosis.rules.system_metrics import RULES
from harness.evidence.models import (
    CommandProbe,
    Device,
    LibraryProbe,
    LogLine,
    NodeTelemetry,
    Place,
    RankSeen,
    Request,
    SdkLogs,
    Telemetry,
    Trouble,
    Watch,
)
from tests.diagnosis import build as b

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
    return {k: v for index in range(count) for k, v in gcd(index, **change).items()}


def devices(count=8):
    return tuple(Device(index=i, vendor="amd") for i in range(count))


def node(*, initstate="live\n", command=None, library=None, seen=8, **change):
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


INFO = {"sys-mi250x-second-die-power", "sys-all-8-gcds", "sys-only-rank0-node", "sys-zero-means-missing",
        "sys-rocm5-mem-semantics", "sys-cgroup-semantics"}  # fmt: skip


def ids(found):
    return set(b.hits(RULES, found))


def faults(found):
    return ids(found) - INFO


HEALTHY = {
    "eight GCDs, command": lumi({**HOST, **gcds()}, at=node()),
    "eight GCDs, library": lumi({**HOST, **gcds()}, sdk="0.31.0", at=node()),
    "eight GCDs, nobody probed": lumi({**HOST, **gcds()}),
    "two ranks, eight GCDs": lumi({**HOST, **gcds()}, nproc=2, at=node()),
    "no GPU": laptop(HOST),
    "nothing at all": b.no_run(),
    "preflight alone": b.not_started(),
    "server not read": b.evidence(server=b.server(status="failed")),
}


@pytest.mark.parametrize("found", HEALTHY.values(), ids=HEALTHY)
def test_healthy_runs_are_left_alone(found):
    assert faults(found) == set()


def broken(**change):
    answer = {"path": "/usr/bin/rocm-smi", "exit_code": 0, "seconds": 1.0, "cards": 8, "parsable": True}
    return CommandProbe(**{**answer, **change})


def unloadable(**change):
    answer = {"path": "/opt/rocm/lib/librocm_smi64.so", "loadable": True, "initialised": True, "devices": 8}
    return LibraryProbe(**{**answer, **change})


NO_COMMAND, NO_LIBRARY = CommandProbe(), LibraryProbe()
ABSENT = {
    "no command": (node(command=NO_COMMAND), "0.28.2", "sys-rocm-smi-not-in-path"),
    "neither": (node(command=NO_COMMAND, library=NO_LIBRARY), "0.31.0", "sys-rocm-library-missing"),
    "no library": (node(library=NO_LIBRARY), "0.31.0", "sys-rocm-library-missing"),
    "no library, SDK that needs none": (
        node(library=NO_LIBRARY, command=broken(exit_code=2)), "0.30.0", "sys-rocm-smi-nonzero",
    ),
    "library fails": (node(library=unloadable(initialised=False, devices=0)), "0.31.0", "sys-rocm-library-fails"),
    "library counts none": (node(library=unloadable(devices=0)), "0.31.0", "sys-no-visible-gpus"),
    "exit code 2": (node(command=broken(exit_code=2)), "0.19.5", "sys-rocm-smi-nonzero"),
    "system only": (
        node(command=broken(cards=0, has_system_only=True), seen=0), "0.28.2", "sys-no-visible-gpus",
    ),
    "slow": (node(command=broken(seconds=4.2)), "0.28.2", "sys-slow-rocm-smi"),
    "no driver": (node(initstate=None, library=NO_LIBRARY, seen=0), "0.31.0", "sys-initstate-missing"),
    "driver not live": (node(initstate="coming\n"), "0.28.2", "sys-initstate-missing"),
    "0.17": (node(), "0.17.3", "sys-frontier-regression"),
    "all is well, and still nothing": (node(), "0.28.2", "sys-gpu-not-seen"),
    "nobody probed": (None, "0.28.2", "sys-gpu-not-seen"),
}  # fmt: skip


@pytest.mark.parametrize(("at", "sdk", "fault"), ABSENT.values(), ids=ABSENT)
def test_no_gpu_reports(at, sdk, fault):
    assert faults(lumi(HOST, sdk=sdk, at=at)) == {fault}


LOG_WORDS = {
    "monitor: failed to initialize xpu resource: monitor: wandb-xpu binary not found: x": "sys-xpu-binary-missing",
    "librocm_smi64.so not found; AMD GPU metrics disabled": "sys-rocm-library-missing",
    "rsmi_init failed with status 8; AMD GPU metrics disabled": "sys-rocm-library-fails",
}


@pytest.mark.parametrize(("text", "fault"), LOG_WORDS.items())
def test_the_sdk_says_why(text, fault):
    logs = SdkLogs(lines=(LogLine(file="debug-internal.log", level="ERROR", text=text),))
    assert faults(lumi(HOST, sdk="0.31.0", on_disk={"sdk_logs": logs})) == {fault}


def test_rocm_smi_says_that_the_driver_is_not_there():
    job = b.job("ERROR:root:Driver not initialized (amdgpu not found in modules)")
    assert faults(lumi(HOST, job=job)) == {"sys-initstate-missing"}


def test_only_amd_smi():
    found = lumi(HOST, at=node(command=NO_COMMAND), job=b.job("/opt/rocm/bin/amd-smi"))
    assert faults(found) == {"sys-rocm-smi-removed-amd-smi"}


def short(seconds, sdk, **change):
    log = b.log(sdk_version=sdk, runtime_s=seconds)
    return laptop({}, sdk=sdk, local=b.local(b.local_run(log=log)), **change)


@pytest.mark.parametrize(
    ("seconds", "sdk", "expected"),
    [
        (9, "0.28.2", {"sys-run-too-short"}),
        (9, "0.19.5", {"sys-run-too-short"}),
        (12, "0.19.5", set()),
        (12, "0.19.8", {"sys-run-too-short"}),
        (25, "0.17.8", {"sys-run-too-short"}),
        (40, "0.28.2", set()),
        (3, "0.30.0", set()),
    ],
)
def test_run_too_short(seconds, sdk, expected):
    assert faults(short(seconds, sdk)) == expected


def test_interval_that_was_set():
    place = Place(host="x", variables={"WANDB_X_STATS_SAMPLING_INTERVAL": "120"})
    assert faults(short(60, "0.28.2", setup=b.setup(place=place))) == {"sys-run-too-short"}


def test_too_short_to_be_seen_meanwhile():
    watch = Watch(polls=5, first_point_s=2.0, job_ended_s=6.0)
    hit = b.hits(RULES, laptop(HOST, watch=watch))["sys-run-too-short"]
    assert hit.fails == ("test_metrics_were_visible_while_running",)


TURNED_OFF = {
    "variable": {"setup": b.setup(place=Place(host="x", variables={"WANDB_X_DISABLE_STATS": "true"}))},
    "old variable": {"setup": b.setup(place=Place(host="x", variables={"WANDB__DISABLE_STATS": "True"}))},
    "setting": {"local": b.local(b.local_run(log=b.log(settings={"x_disable_stats": True}, sdk_version="0.28.2")))},
    "no CPU count": {"metadata": {"host": "nid005001"}},
    "no environment": {"metadata": {}},
}


@pytest.mark.parametrize("change", TURNED_OFF.values(), ids=TURNED_OFF)
def test_turned_off(change):
    assert faults(laptop({}, **change)) == {"sys-disabled-by-setting"}


def test_a_part_that_could_not_be_read_proves_nothing():
    found = laptop({}, metadata={})
    partial = found.server.model_copy(update={"partial": (Trouble(kind="timeout", text="events"),)})
    assert faults(found.model_copy(update={"server": partial})) == set()


def test_fewer_gpus():
    hit = b.hits(RULES, lumi({**HOST, **gcds(4)}, at=node()))["sys-fewer-gpus"]
    assert hit.values == {"gpu_count": "4", "gpus_expected": "8"}


@pytest.mark.parametrize(
    ("system", "sdk", "expected"),
    [
        (gcds(busy=(0.0,) * 3, memory=(0.0,) * 3, temp=(0.0,) * 3, power=(0.0,) * 3)
         | {f"gpu.{i}.memoryReadWriteActivity": (0.0,) * 3 for i in range(8)}, "0.28.2", "sys-gpu-values-missing"),
        (gcds(power=(0.0,) * 3), "0.28.2", "sys-gpu-values-missing"),
        (gcds(memory=()), "0.18.1", "sys-rocm6-keys-old-sdk"),
        (gcds(memory=()), "0.28.2", "sys-gpu-values-missing"),
    ],
)  # fmt: skip
def test_values_missing(system, sdk, expected):
    assert faults(lumi({**HOST, **system}, sdk=sdk, at=node())) == {expected}


def test_idle_gpus():
    idle = gcds(busy=(0.0,) * 3, memory=(0.0,) * 3)
    ranks = tuple(RankSeen(rank=r, world_size=8, device="cpu") for r in range(8))
    hit = b.hits(RULES, lumi({**HOST, **idle}, at=node(torch_devices=0), job=b.job(output=b.output("x", ranks=ranks))))
    assert hit["sys-gpus-idle"].observed[1:] == (
        "8 of 8 ranks said that they run on the CPU.", "PyTorch sees no GPU on nid005001.",
    )  # fmt: skip


REMARKS = {
    "second die": (lumi({**HOST, **gcds()}), "sys-mi250x-second-die-power"),
    "more GPUs than ranks": (lumi({**HOST, **gcds()}, nproc=2), "sys-all-8-gcds"),
    "several nodes": (lumi({**HOST, **gcds()}, nodes=2), "sys-only-rank0-node"),
    "no temperature": (lumi({**HOST, **gcds(temp=(0.0,) * 3)}), "sys-zero-means-missing"),
    "ROCm 5": (
        lumi({**HOST, **gcds(memory=(0.0, 0.2, 0.4))}, at=node(command=broken(rocm_generation="5"))),
        "sys-rocm5-mem-semantics",
    ),
    "memory of the job's limit": (lumi({**HOST, "memory_percent": (50.0, 95.0)}, request=Request(
        target="slurm", server="real", nproc=0, job_kind="batch")), "sys-cgroup-semantics"),
}  # fmt: skip


@pytest.mark.parametrize(("found", "remark"), REMARKS.values(), ids=REMARKS)
def test_remarks(found, remark):
    assert remark in ids(found)
    assert faults(found) == set()


def test_slow_tool_costs_samples():
    few = {k: v[:1] for k, v in gcds(busy=(90.0,)).items()}
    assert faults(lumi({**HOST, **few}, at=node(command=broken(seconds=4.0)))) == {"sys-slow-rocm-smi"}


def test_noisy_tool():
    job = b.job("WARNING: No AMD GPUs specified\nWARNING: No AMD GPUs specified")
    assert "sys-rocm-smi-stderr-ok" in ids(lumi({**HOST, **gcds()}, sdk="0.16.6", job=job))
    assert "sys-rocm-smi-stderr-ok" not in ids(lumi({**HOST, **gcds()}, sdk="0.17.0", job=job))


def test_a_reader_that_did_not_start_is_no_setting():
    words = "server/listeners: couldn't open Unix socket in os.TempDir(): stat /nowhere: no such file or directory"
    lines = (
        LogLine(file="debug-internal.log", level="ERROR", text="monitor: could not create portfile"),
        LogLine(file="debug-core.log", level="WARN", text=words),
    )
    bare = {"sdk": "0.31.0", "metadata": {"host": "nid005001"}}
    found = laptop({}, on_disk={"sdk_logs": SdkLogs(lines=lines)}, **bare)
    assert b.hits(RULES, found)["sys-monitor-failed"].values["tmpdir"] == "/nowhere"
    assert faults(laptop({}, **bare)) == {"sys-disabled-by-setting"}
