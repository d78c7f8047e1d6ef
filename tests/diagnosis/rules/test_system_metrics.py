"""Rules of the family system metrics: which precondition of GPU telemetry failed, or nothing at all."""

import pytest

from harness.diagnosis.rules.system_metrics import RULES
from harness.evidence.models import (
    CommandProbe,
    LibraryProbe,
    LogLine,
    Place,
    RankSeen,
    SdkLogs,
    Trouble,
    Watch,
)
from tests.diagnosis import build as b
from tests.diagnosis.gpu_runs import HOST, gcds, laptop, lumi, node, rocm_smi

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


def unloadable(**change):
    answer = {"path": "/opt/rocm/lib/librocm_smi64.so", "loadable": True, "initialised": True, "devices": 8}
    return LibraryProbe(**{**answer, **change})


NO_COMMAND, NO_LIBRARY = CommandProbe(), LibraryProbe()
ABSENT = {
    "no command": (node(command=NO_COMMAND), "0.28.2", "sys-rocm-smi-not-in-path"),
    "neither": (node(command=NO_COMMAND, library=NO_LIBRARY), "0.31.0", "sys-rocm-library-missing"),
    "no library": (node(library=NO_LIBRARY), "0.31.0", "sys-rocm-library-missing"),
    "no library, SDK that needs none": (
        node(library=NO_LIBRARY, command=rocm_smi(exit_code=2)), "0.30.0", "sys-rocm-smi-nonzero",
    ),
    "library fails": (node(library=unloadable(initialised=False, devices=0)), "0.31.0", "sys-rocm-library-fails"),
    "library counts none": (node(library=unloadable(devices=0)), "0.31.0", "sys-no-visible-gpus"),
    "exit code 2": (node(command=rocm_smi(exit_code=2)), "0.19.5", "sys-rocm-smi-nonzero"),
    "system only": (
        node(command=rocm_smi(cards=0, has_system_only=True), seen=0), "0.28.2", "sys-no-visible-gpus",
    ),
    "slow": (node(command=rocm_smi(seconds=4.2)), "0.28.2", "sys-slow-rocm-smi"),
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
