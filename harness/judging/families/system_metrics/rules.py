"""Rules for the family system metrics: nothing was sampled, or the GPUs do not report."""

import re
from collections.abc import Iterator

from harness.evidence.models import CommandProbe, Evidence, LibraryProbe, NodeTelemetry
from harness.judging.advice import job_sdk_version
from harness.judging.catalogue import version_key
from harness.judging.duplicates import listed, setting
from harness.judging.expected_gpus import GpuExpectation, environment, expected_gpus, first_node
from harness.judging.families.system_metrics import remarks
from harness.judging.metric_series import main_run, where_to_look
from harness.judging.rule import Hit, Rule
from harness.judging.sampling import over_before_an_upload, sampling
from harness.judging.system_series import gpu_gaps, gpus, host_series, system_series
from harness.judging.view import final_server, main_local_run, said, sdk_log_lines, unshown_while_running

LIBRARY_SINCE = (0, 31, 0)
"""From here on AMD GPUs are read with librocm_smi64.so, before with the command rocm-smi."""
OFF = ("x_disable_stats", "_disable_stats", "x_disable_machine_info", "_disable_machine_info")
OFF_VARIABLES = ("WANDB_X_DISABLE_STATS", "WANDB__DISABLE_STATS", "WANDB_X_DISABLE_MACHINE_INFO")
ENVIRONMENT_SINCE = (0, 24, 0)
"""Seen in 0.24.2 to 0.31.0: the CPU count is recorded unless system metrics are off."""
BINARY_MISSING = (
    r"(wandb-xpu|gpu_stats|wandb-symon) binary not found|initialize xpu resource"
    r"|start.*(wandb-xpu|gpu_stats|wandb-symon).*(permission denied|exec format error|no such file)"
)
DIED = r"\b(monitor: )?symon stream ended|exited before writing its portfile"
"""What wandb-core says when its collector is gone."""
LONG_ENOUGH_S = 10.0
"""A run of that length has some samples with an interval of 2 s."""
SLOW_S = 3.0
"""A call of rocm-smi that takes this long, in seconds, costs samples."""


def nothing_sampled(evidence: Evidence) -> Iterator[Hit]:
    """No system metric at all: turned off, or the run was over before the first sample."""
    if main_run(evidence) is None or system_series(evidence) or _unread(evidence):
        return
    if reason := _set_off(evidence):
        off_by = {"off_by": "environment" if reason.endswith("is set.") else "script"}
        yield Hit(id="sys-disabled-by-setting", observed=(reason,), values=off_by)
        return
    if broken := sdk_log_lines(evidence, BINARY_MISSING):
        yield Hit(id="sys-xpu-binary-missing", observed=broken)
        return
    reasons = sdk_log_lines(evidence, r"os\.TempDir\(\)|too many open files", limit=1)
    if not reasons and (gone := (*sdk_log_lines(evidence, DIED, limit=1), *_never_answered(evidence))):
        yield Hit(id="sys-collector-died", observed=gone, values={"sdk": job_sdk_version(evidence) or "the newest one"})
        return
    if failed := sdk_log_lines(evidence, r"\bmonitor: .*\b(portfile|binary)\b"):
        named = re.search(r'socket on "(/[^"]+)/wandb-[^"]*"|stat (/[^:]+):', "".join(reasons))
        place = next((g for g in named.groups() if g), "") if named else ""
        values = {"tmpdir": place or "$TMPDIR", "length": f" ({len(place)} characters)" if place else ""}
        yield Hit(id="sys-monitor-failed", observed=(*failed[:2], *reasons), values=values)
        return
    if reason := _looks_off(evidence):
        yield Hit(id="sys-disabled-by-setting", observed=(reason,))
        return
    times = sampling(evidence)
    if times.ended_before_first:
        observed = f"The run lasted {times.lasted_s:.0f} s; its SDK takes the first sample after {times.first_s:.0f} s."
        yield Hit(id="sys-run-too-short", observed=(observed,), values=_times(evidence))


def _never_answered(evidence: Evidence) -> tuple[str, ...]:
    """What shows that the collector was asked for the machine and gave no answer to the end.

    Seen in 0.31.0: wandb-core records the environment once at the start and again when its collector has answered, also
    where system metrics are off.
    """
    run = main_local_run(evidence)
    if run is None or version_key(job_sdk_version(evidence) or "") < LIBRARY_SINCE or not _looks_off(evidence):
        return ()
    if run.log.status != "complete" or run.log.records.get("environment") != 1:
        return ()
    return ("The log holds the environment of the start alone: the collector never answered, and was not turned off.",)


def not_seen_in_time(evidence: Evidence) -> Iterator[Hit]:
    """System metrics came, but the job was over before its SDK had sent them."""
    watch, times = evidence.watch, sampling(evidence)
    if watch is None or watch.blind or watch.first_system_metric_s is not None or not system_series(evidence):
        return
    # Nothing could be asked of so short a job, or the answers mean nothing.
    if over_before_an_upload(evidence) or unshown_while_running(evidence):
        return
    if watch.job_ended_s is not None and watch.job_ended_s < times.first_s + times.interval_s:
        observed = f"The job lasted {watch.job_ended_s:.0f} s: too short for a sample to be taken and sent meanwhile."
        fails = ("test_metrics_were_visible_while_running",)
        yield Hit(id="sys-run-too-short", observed=(observed,), values=_times(evidence), fails=fails)


def _times(evidence: Evidence) -> dict[str, str]:
    times = sampling(evidence)
    lasted = f"{times.lasted_s:.0f}" if times.lasted_s is not None else "a few"
    often = "2" if times.lasted_s and times.lasted_s >= LONG_ENOUGH_S else "0.5"
    return {"interval": f"{times.interval_s:.0f}", "lasted": lasted, "often": often}


def _unread(evidence: Evidence) -> bool:
    """Whether the place where the metrics should be could not be read."""
    if where_to_look(evidence) == "server":
        reading = final_server(evidence)
        return reading.status != "read" or bool(reading.partial)
    disk = main_local_run(evidence)
    return disk is not None and disk.log.status in ("header_only", "empty", "missing", "unreadable", "not_a_wandb_file")


def _set_off(evidence: Evidence) -> str | None:
    """The setting that turns system metrics off, where one is seen."""
    variables = evidence.setup.place.variables if evidence.setup else {}
    for name in OFF_VARIABLES:
        if variables.get(name, "").strip().lower() in ("1", "true", "yes", "on"):
            return f"{name}={variables[name]} is set."
    for run in evidence.local.runs:
        if found := next((name for name in OFF if setting(run, name) is True), None):
            return f"{found} is on in the settings of {run.path}."
    return None


def _looks_off(evidence: Evidence) -> str | None:
    """What a run lacks besides, where a setting that is not seen turned them off."""
    version, known = job_sdk_version(evidence), environment(evidence)
    if version is None or version_key(version) < ENVIRONMENT_SINCE or sampling(evidence).lasted_s is None:
        return None
    if known.get("host") and not (known.get("cpu_count") or known.get("cpu_count_logical")):
        return "The run has no system metric, and its environment lacks the CPU count, as with x_disable_stats=True."
    if not known.get("host"):
        return "The run has no system metric and no environment, as with x_disable_machine_info=True."
    return None


_HIDING = ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")


def gpus_absent(evidence: Evidence) -> Iterator[Hit]:
    """CPU and memory came through, no GPU did, and there should be some: the probe of the node says why."""
    expected = expected_gpus(evidence)
    if expected is None or gpus(evidence) or not host_series(evidence, "memory"):
        return
    node = first_node(evidence)
    fault, reason = _why_absent(evidence, expected, node)
    observed = (f"No GPU reports, but {expected.reason}.", *reason)
    probe = node.command if node else None
    values = {
        "node": node.host if node else "the node",
        "exit_code": str(probe.exit_code) if probe else "other than 0",
        "rocm_smi": (probe.path if probe else None) or "/opt/rocm/bin/rocm-smi",
        "slow_interval": str(round(2 * probe.seconds)) if probe and probe.seconds else "10",
        "gpus_expected": str(expected.count),
        "hidden_by": " ".join(name for name in _HIDING if evidence.setup and name in evidence.setup.place.variables),
    }
    yield Hit(id=fault, observed=observed, values=values)


def _why_absent(
    evidence: Evidence, expected: GpuExpectation, node: NodeTelemetry | None
) -> tuple[str, tuple[str, ...]]:
    if broken := sdk_log_lines(evidence, BINARY_MISSING):
        return "sys-xpu-binary-missing", broken
    if driver := said(evidence, r"/sys/module/amdgpu/initstate: No such file|Driver not initialized \(amdgpu"):
        return "sys-initstate-missing", driver
    version = version_key(job_sdk_version(evidence) or "")
    if not version or expected.vendor == "nvidia" or (node is not None and node.nvidia_smi):
        return "sys-gpu-not-seen", ()
    if node is None:
        return _by_words(evidence, version)
    if node.initstate is None or "live" not in node.initstate:
        state = "is missing" if node.initstate is None else f"reads {node.initstate.strip()!r}"
        return "sys-initstate-missing", (f"/sys/module/amdgpu/initstate {state} on {node.host}.",)
    if version >= LIBRARY_SINCE:
        return _library(node.library) or ("sys-gpu-not-seen", ("The driver is live and the library answers.",))
    return _command(evidence, node.command) or _by_words(evidence, version)


def _by_words(evidence: Evidence, version: tuple[int, ...]) -> tuple[str, tuple[str, ...]]:
    """Decide by what the SDK's logs say, and by versions that are known to fail."""
    patterns = {
        "sys-rocm-smi-nonzero": r"rocm-smi command failed",
        "sys-rocm-library-missing": r"librocm_smi64\.so not found; AMD GPU metrics disabled",
        "sys-rocm-library-fails": r"rsmi_init failed with status",
        "sys-no-visible-gpus": r"no AMD GPUs reported by the ROCm SMI library",
    }
    for fault, pattern in patterns.items():
        if lines := sdk_log_lines(evidence, pattern):
            return fault, lines
    if (0, 17, 0) <= version < (0, 18, 2):
        return "sys-frontier-regression", (f"The job had wandb {job_sdk_version(evidence)}.",)
    return "sys-gpu-not-seen", ()


def _command(evidence: Evidence, probe: CommandProbe | None) -> tuple[str, tuple[str, ...]] | None:
    if probe is None:
        return None
    if probe.path is None:
        if lines := said(evidence, r"\bamd-smi\b"):
            return "sys-rocm-smi-removed-amd-smi", ("rocm-smi is not on PATH inside the job.", *lines)
        return "sys-rocm-smi-not-in-path", ("rocm-smi is neither on PATH nor in /usr/bin inside the job.",)
    if probe.exit_code:
        values = "valid values" if probe.cards else "no values"
        said_so = (f"It printed: {probe.stderr.strip()[:200]}",) if probe.stderr.strip() else ()
        return "sys-rocm-smi-nonzero", (f"{probe.path} ended with {probe.exit_code}, printing {values}.", *said_so)
    if probe.parsable and not probe.cards:
        what = "the driver's version alone" if probe.has_system_only else "no GPU"
        return "sys-no-visible-gpus", (f"{probe.path} -a --json lists {what}.",)
    if probe.cards and probe.seconds and probe.seconds >= SLOW_S:
        return "sys-slow-rocm-smi", (
            f"{probe.path} took {probe.seconds:.1f} s to answer, and lists {probe.cards} GPUs.",
        )
    return None


def _library(probe: LibraryProbe | None) -> tuple[str, tuple[str, ...]] | None:
    if probe is None:
        return None
    words = (probe.trouble.text,) if probe.trouble else ()
    if not probe.loadable:
        return "sys-rocm-library-missing", (
            f"{probe.path or 'librocm_smi64.so'} cannot be loaded inside the job.",
            *words,
        )
    if not probe.initialised:
        return "sys-rocm-library-fails", (f"{probe.path or 'librocm_smi64.so'} loads, but rsmi_init() fails.", *words)
    if not probe.devices:
        return "sys-no-visible-gpus", ("The library starts and counts 0 GPUs.",)
    return None


def gpus_incomplete(evidence: Evidence) -> Iterator[Hit]:
    """Some GPUs report: fewer than there should be, or not all that they should."""
    found, expected = gpus(evidence), expected_gpus(evidence)
    if not found or expected is None:
        return
    seen, version = len({g.index for g in found}), version_key(job_sdk_version(evidence) or "99")
    values = {"gpu_count": str(seen), "gpus_expected": str(expected.count)}
    if seen < expected.count:
        indices = listed([str(g.index) for g in found], 8)
        observed = f"GPUs {indices} report, but {expected.reason}."
        yield Hit(id="sys-fewer-gpus", observed=(observed,), values=values)
        return
    gaps = gpu_gaps(evidence)
    if not gaps:
        return
    node = first_node(evidence)
    generation = node.command.rocm_generation if node and node.command else "unknown"
    if version < (0, 18, 2) and generation in ("6.0", "6.1+", "unknown") and any("no memory" in gap for gap in gaps):
        yield Hit(id="sys-rocm6-keys-old-sdk", observed=(*gaps[:3], f"The job had wandb {job_sdk_version(evidence)}."))
        return
    yield Hit(id="sys-gpu-values-missing", observed=gaps[:4], values=values)


def gpus_idle(evidence: Evidence) -> Iterator[Hit]:
    """The GPUs report, and none of them did anything."""
    found = gpus(evidence)
    if not found or gpu_gaps(evidence) or any(g.used for g in found):
        return
    observed = [f"{len(found)} GPUs report, and none was above 0 % busy or 0 % of memory."]
    ranks = evidence.job.output.ranks if evidence.job else ()
    if on_cpu := [r for r in ranks if r.device == "cpu"]:
        observed.append(f"{len(on_cpu)} of {len(ranks)} ranks said that they run on the CPU.")
    node = first_node(evidence)
    if node and node.torch_devices == 0:
        observed.append(f"PyTorch sees no GPU on {node.host}.")
    yield Hit(id="sys-gpus-idle", observed=tuple(observed))


RULES: tuple[Rule, ...] = (
    nothing_sampled, not_seen_in_time, gpus_absent, gpus_incomplete, gpus_idle, *remarks.RULES,
)  # fmt: skip
