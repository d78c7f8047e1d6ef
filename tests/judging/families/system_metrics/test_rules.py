"""Rules of the family system metrics: which precondition of GPU telemetry failed, or nothing at all."""

import pytest

from harness.evidence.models import (
    CommandProbe,
    LibraryProbe,
    LogLine,
    Place,
    RankSeen,
    Request,
    SdkLogs,
    Trouble,
    Watch,
)
from harness.judging.families.system_metrics.rules import RULES
from tests.judging import build as b
from tests.judging.gpu_runs import HOST, gcds, laptop, lumi, node, rocm_smi

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
    "0.17": (node(), "0.17.0", "sys-frontier-regression"),
    "0.18.1": (node(), "0.18.1", "sys-frontier-regression"),
    "0.18.2, where that was mended": (node(), "0.18.2", "sys-gpu-not-seen"),
    "before 0.17": (node(), "0.16.6", "sys-gpu-not-seen"),
    "an NVIDIA node": (
        node(initstate=None, nvidia_smi=True, command=NO_COMMAND, library=NO_LIBRARY, seen=0), "0.28.2",
        "sys-gpu-not-seen",
    ),
    "all is well, and still nothing": (node(), "0.28.2", "sys-gpu-not-seen"),
    "nobody probed": (None, "0.28.2", "sys-gpu-not-seen"),
}  # fmt: skip


@pytest.mark.parametrize(("at", "sdk", "fault"), ABSENT.values(), ids=ABSENT)
def test_no_gpu_reports(at, sdk, fault):
    assert faults(lumi(HOST, sdk=sdk, at=at)) == {fault}


SAID_BY_PROBE = {
    "no command": (
        node(command=NO_COMMAND), "0.28.2", ("rocm-smi is neither on PATH nor in /usr/bin inside the job.",),
    ),
    "exit code, values": (
        node(command=rocm_smi(exit_code=2, stderr=" cannot read fan \n")), "0.28.2",
        ("/usr/bin/rocm-smi ended with 2, printing valid values.", "It printed: cannot read fan"),
    ),
    "exit code, no values": (
        node(command=rocm_smi(exit_code=1, cards=0)), "0.28.2",
        ("/usr/bin/rocm-smi ended with 1, printing no values.",),
    ),
    "system only": (
        node(command=rocm_smi(cards=0, has_system_only=True)), "0.28.2",
        ("/usr/bin/rocm-smi -a --json lists the driver's version alone.",),
    ),
    "nothing": (
        node(command=rocm_smi(cards=0)), "0.28.2", ("/usr/bin/rocm-smi -a --json lists no GPU.",),
    ),
    "slow": (
        node(command=rocm_smi(seconds=4.2)), "0.28.2",
        ("/usr/bin/rocm-smi took 4.2 s to answer, and lists 8 GPUs.",),
    ),
    "no library": (node(library=NO_LIBRARY), "0.31.0", ("librocm_smi64.so cannot be loaded inside the job.",)),
    "a library that cannot be loaded": (
        node(library=unloadable(loadable=False, trouble=Trouble(kind="other", text="wrong ELF class"))), "0.31.0",
        ("/opt/rocm/lib/librocm_smi64.so cannot be loaded inside the job.", "wrong ELF class"),
    ),
    "a library that does not start": (
        node(library=unloadable(initialised=False)), "0.31.0",
        ("/opt/rocm/lib/librocm_smi64.so loads, but rsmi_init() fails.",),
    ),
    "a library without a path that does not start": (
        node(library=unloadable(initialised=False, path=None)), "0.31.0",
        ("librocm_smi64.so loads, but rsmi_init() fails.",),
    ),
    "no driver": (
        node(initstate=None), "0.31.0", ("/sys/module/amdgpu/initstate is missing on nid005001.",),
    ),
    "driver not live": (
        node(initstate="coming\n"), "0.31.0", ("/sys/module/amdgpu/initstate reads 'coming' on nid005001.",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("at", "sdk", "seen"), SAID_BY_PROBE.values(), ids=SAID_BY_PROBE)
def test_what_the_probe_of_the_node_saw(at, sdk, seen):
    (hit,) = b.hits(RULES, lumi(HOST, sdk=sdk, at=at)).values()
    assert hit.observed == ("No GPU reports, but node nid005001 has 8 GPUs.", *seen)


@pytest.mark.parametrize(
    ("at", "name", "value"),
    [
        (node(command=rocm_smi(seconds=4.2)), "slow_interval", "8"),
        (node(command=rocm_smi(exit_code=2)), "exit_code", "2"),
        (node(initstate=None), "node", "nid005001"),
        (None, "node", "the node"),
        (None, "exit_code", "other than 0"),
        (node(command=rocm_smi(exit_code=2, seconds=None)), "gpus_expected", "8"),
    ],
)
def test_advice_where_no_gpu_reports(at, name, value):
    (hit,) = b.hits(RULES, lumi(HOST, at=at)).values()
    assert hit.values[name] == value


LOG_WORDS = {
    "monitor: failed to initialize xpu resource: monitor: wandb-xpu binary not found: x": "sys-xpu-binary-missing",
    "librocm_smi64.so not found; AMD GPU metrics disabled": "sys-rocm-library-missing",
    "rsmi_init failed with status 8; AMD GPU metrics disabled": "sys-rocm-library-fails",
}


@pytest.mark.parametrize(("text", "fault"), LOG_WORDS.items())
def test_the_sdk_says_why(text, fault):
    logs = SdkLogs(lines=(LogLine(file="debug-internal.log", text=text),))
    assert faults(lumi(HOST, sdk="0.31.0", on_disk={"sdk_logs": logs})) == {fault}


def test_the_sdk_says_that_rocm_smi_failed():
    line = LogLine(file="debug-internal.log", text="gpu: rocm-smi command failed: exit status: 2")
    found = lumi(HOST, on_disk={"sdk_logs": SdkLogs(lines=(line,))})
    assert b.hits(RULES, found)["sys-rocm-smi-nonzero"].observed[1:] == (f"debug-internal.log: {line.text}",)


NVIDIA = {"host": "laptop", "cpu_count": 8, "gpu_count": 1, "gpu_nvidia": [{"name": "NVIDIA H100"}]}


def test_what_is_known_of_amd_does_not_explain_nvidia():
    """0.17.3 lost AMD GPUs; of an SDK that nobody knows, nothing is known."""
    assert faults(laptop(HOST, sdk="0.17.3", metadata=NVIDIA)) == {"sys-gpu-not-seen"}
    unknown = lumi(HOST, sdk="", setup=b.setup(python=None), at=node(command=NO_COMMAND))
    assert faults(unknown) == {"sys-gpu-not-seen"}


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


@pytest.mark.parametrize(("seconds", "often"), [(3, "0.5"), (12, "2")])
def test_the_shorter_a_run_the_more_often_it_is_sampled(seconds, often):
    found = b.hits(RULES, short(seconds, "0.28.2"))["sys-run-too-short"]
    assert found.values["often"] == often


def test_interval_that_was_set():
    place = Place(host="x", variables={"WANDB_X_STATS_SAMPLING_INTERVAL": "120"})
    assert faults(short(60, "0.28.2", setup=b.setup(place=place))) == {"sys-run-too-short"}


def builtin(system, **change):
    """The built-in job, which is asked whether it could be watched however short it was."""
    return lumi(system, request=Request(server="real", nproc=2), **change)


def test_a_job_of_the_users_own_that_ends_at_once_is_not_called_too_short():
    watch = Watch(polls=5, first_point_s=2.0, job_ended_s=6.0)
    assert "sys-run-too-short" not in b.hits(RULES, laptop(HOST, watch=watch))


def test_too_short_to_be_seen_meanwhile():
    watch = Watch(polls=5, first_point_s=2.0, job_ended_s=6.0)
    hit = b.hits(RULES, builtin(HOST, watch=watch))["sys-run-too-short"]
    assert hit.fails == ("test_metrics_were_visible_while_running",)
    assert hit.observed == ("The job lasted 6 s: too short for a sample to be taken and sent meanwhile.",)
    assert hit.values == {"interval": "15", "lasted": "60", "often": "2"}


def test_looks_that_do_not_even_show_the_run_tell_nothing():
    watch, job = Watch(polls=5, last_poll_s=13.0, job_ended_s=14.0), b.job(started_at=1000.0)
    for begun, told in ((1012.0, True), (1003.0, False)):
        disk = {"started_at": begun, "sdk_logs": SdkLogs(init_done=True)}
        found = builtin(HOST, watch=watch, job=job, on_disk=disk)
        assert ("sys-run-too-short" in b.hits(RULES, found)) == told


def test_a_run_of_unknown_length_lasted_a_few_seconds():
    found = builtin(HOST, watch=Watch(polls=5, job_ended_s=6.0), local=b.local(b.local_run(log=b.log(runtime_s=None))))
    assert b.hits(RULES, found)["sys-run-too-short"].values["lasted"] == "a few"


@pytest.mark.parametrize("ended", [100.0, None])
def test_long_enough_to_be_seen_meanwhile(ended):
    assert faults(laptop(HOST, watch=Watch(polls=50, job_ended_s=ended))) == set()


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


@pytest.mark.parametrize("sdk", ["0.24.0", "0.31.0"])
def test_turned_off_is_told_by_what_is_missing_from_the_environment(sdk):
    assert faults(laptop({}, sdk=sdk, metadata={"host": "nid005001"})) == {"sys-disabled-by-setting"}


UNTOLD = {
    "an SDK before that": {"sdk": "0.23.1"},
    "an SDK that nobody knows": {"sdk": "", "setup": b.setup(python=None)},
    "a run of unknown length": {"local": b.local(b.local_run(log=b.log(sdk_version="0.28.2", runtime_s=None)))},
}


@pytest.mark.parametrize("change", UNTOLD.values(), ids=UNTOLD)
def test_what_is_missing_from_the_environment_may_have_other_reasons(change):
    assert faults(laptop({}, metadata={"host": "nid005001"}, **change)) == set()


@pytest.mark.parametrize(
    ("status", "expected"), [("complete", {"sys-disabled-by-setting"}), ("torn", {"sys-disabled-by-setting"}),
                             ("header_only", set()), ("unreadable", set())],
)  # fmt: skip
def test_a_log_that_holds_nothing_proves_nothing(status, expected):
    log = b.log(status=status, settings={"x_disable_stats": True})
    request = Request(source="run_dir", server="none", target="none", run_dir="/w")
    found = b.evidence(request=request, setup=None, job=None, server=b.server(), local=b.local(b.local_run(log=log)))
    assert faults(found) == expected


def test_a_part_that_could_not_be_read_proves_nothing():
    found = laptop({}, metadata={})
    partial = found.server.model_copy(update={"partial": (Trouble(kind="timeout", text="events"),)})
    assert faults(found.model_copy(update={"server": partial})) == set()


def test_fewer_gpus():
    hit = b.hits(RULES, lumi({**HOST, **gcds(4)}, at=node()))["sys-fewer-gpus"]
    assert hit.values == {"gpu_count": "4", "gpus_expected": "8"}
    assert hit.observed == ("GPUs 0, 1, 2, 3 report, but node nid005001 has 8 GPUs.",)


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


OLD_NAMES = {
    "ROCm 6.1": (node(), "0.18.1", True),
    "ROCm 6.0": (node(command=rocm_smi(rocm_generation="6.0")), "0.18.1", True),
    "ROCm 5, whose names it knows": (node(command=rocm_smi(rocm_generation="5")), "0.18.1", False),
    "nobody probed": (None, "0.18.1", True),
    "the probe found no command": (node().model_copy(update={"command": None}), "0.18.1", True),
    "an SDK that knows them": (node(), "0.18.2", False),
}


@pytest.mark.parametrize(("at", "sdk", "told"), OLD_NAMES.values(), ids=OLD_NAMES)
def test_old_sdk_and_the_names_of_rocm_6(at, sdk, told):
    found = faults(lumi({**HOST, **gcds(memory=())}, sdk=sdk, at=at))
    assert found == {"sys-rocm6-keys-old-sdk" if told else "sys-gpu-values-missing"}


def test_idle_gpus():
    idle = gcds(busy=(0.0,) * 3, memory=(0.0,) * 3)
    ranks = tuple(RankSeen(rank=r, world_size=8, device="cpu") for r in range(8))
    hit = b.hits(RULES, lumi({**HOST, **idle}, at=node(torch_devices=0), job=b.job(output=b.output("x", ranks=ranks))))
    assert hit["sys-gpus-idle"].observed[1:] == (
        "8 of 8 ranks said that they run on the CPU.", "PyTorch sees no GPU on nid005001.",
    )  # fmt: skip


@pytest.mark.parametrize("at", [None, node(torch_devices=8)])
def test_idle_gpus_that_pytorch_may_see(at):
    idle = gcds(busy=(0.0,) * 3, memory=(0.0,) * 3)
    hit = b.hits(RULES, lumi({**HOST, **idle}, at=at))["sys-gpus-idle"]
    assert hit.observed == ("8 GPUs report, and none was above 0 % busy or 0 % of memory.",)


def test_a_reader_that_did_not_start_is_no_setting():
    words = "server/listeners: couldn't open Unix socket in os.TempDir(): stat /nowhere: no such file or directory"
    lines = (
        LogLine(file="debug-internal.log", text="monitor: could not create portfile"),
        LogLine(file="debug-core.log", text=words),
    )
    bare = {"sdk": "0.31.0", "metadata": {"host": "nid005001"}}
    found = laptop({}, on_disk={"sdk_logs": SdkLogs(lines=lines)}, **bare)
    hit = b.hits(RULES, found)["sys-monitor-failed"]
    assert hit.values == {"tmpdir": "/nowhere", "length": " (8 characters)"}
    unnamed = laptop({}, on_disk={"sdk_logs": SdkLogs(lines=lines[:1])}, **bare)
    assert b.hits(RULES, unnamed)["sys-monitor-failed"].values == {"tmpdir": "$TMPDIR", "length": ""}
    assert faults(laptop({}, **bare)) == {"sys-disabled-by-setting"}
