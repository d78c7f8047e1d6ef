"""System metrics of a run: host series and GPUs, the same view for every SDK version and both vendors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.evidence.models import Evidence, SystemSeries
from harness.evidence.models.wandb_log import SystemSeriesSummary
from harness.judging.metric_series import Where, number, where_to_look
from harness.judging.once import once
from harness.judging.view import main_local_run, main_server_run

HostKind = Literal["cpu", "memory", "disk", "network"]
Vendor = Literal["amd", "nvidia", "unknown"]

_HOST: Mapping[HostKind, str] = {
    "cpu": r"cpu(\..*)?|proc\.cpu\..*",
    "memory": r"memory|memory_percent|proc\.memory\..*",
    "disk": r"disk(\..*)?",
    "network": r"network\..*",
}
"""Seen in run logs of 0.19.5 (`disk.in`) and 0.31.0 (`disk.DEVICE.in`, `network.tcpRetransmits`)."""

_AMD_ONLY = frozenset({"memoryReadWriteActivity", "memoryOverDrive"})
_NVIDIA_ONLY = frozenset(
    {"memoryAllocatedBytes", "memory", "smClock", "memoryClock", "enforcedPowerLimitWatts", "memoryUsed"}
)


@dataclass(slots=True)
class SystemView:
    """One system metric; `key` is without the leading `system.` and without the label of shared mode.

    Not frozen, since there may be thousands, and freezing makes each four times as dear. `sketch` holds at most 200
    (seconds, value): since the run began on the server, since the first sample on disk.
    """

    key: str
    label: str
    where: Where
    count: int
    minimum: float | None
    maximum: float | None
    sketch: tuple[tuple[float, float], ...]

    @property
    def positive(self) -> bool:
        """Whether at least one sample is above zero: since SDK 0.19.2 a missing AMD value is written as 0.0."""
        return (self.maximum or 0.0) > 0


@dataclass(frozen=True)
class GpuView:
    """One GPU (on LUMI one GCD) as W&B has it; `series` by the name after `gpu.N.`."""

    index: int
    label: str
    vendor: Vendor
    series: Mapping[str, SystemView] = field(default_factory=dict)

    @property
    def utilisation(self) -> SystemView | None:
        """Per cent of time busy."""
        return self.series.get("gpu")

    @property
    def memory(self) -> SystemView | None:
        """Memory in use: per cent where told so, else bytes; per cent *busy* with rocm-smi up to ROCm 6.0."""
        return self._first("memoryAllocated", "memoryAllocatedBytes", "memoryUsed", "memory")

    @property
    def temperature(self) -> SystemView | None:
        """Degrees Celsius."""
        return self.series.get("temp")

    @property
    def power(self) -> SystemView | None:
        """Watts; the second die of an MI250X has no sensor and reports 0 or nothing."""
        return self.series.get("powerWatts")

    @property
    def second_die(self) -> bool:
        """Whether this may be the die of an MI250X that has no power sensor (the odd ones)."""
        return self.vendor == "amd" and self.index % 2 == 1

    @property
    def used(self) -> bool:
        """Whether some sample shows work: at least 1 % busy or 1 % of memory."""
        percent = self.series.get("memoryAllocated")
        return any(v is not None and (v.maximum or 0.0) >= 1 for v in (self.utilisation, percent))

    @property
    def all_zero(self) -> bool:
        """Whether nothing that it reports was ever above zero: the values are missing, not measured."""
        return not any(view.positive for view in self.series.values())

    def _first(self, *names: str) -> SystemView | None:
        return next((self.series[n] for n in names if n in self.series), None)


def system_series(evidence: Evidence, where: Where | None = None) -> tuple[SystemView, ...]:
    """Return every system metric of the main run, from where the run is judged unless told otherwise."""
    return _series(evidence, where or where_to_look(evidence))


@once
def _series(evidence: Evidence, where: Where) -> tuple[SystemView, ...]:
    if where == "server":
        server_run = main_server_run(evidence)
        return tuple(_from_server(s) for s in server_run.system.values()) if server_run else ()
    local_run = main_local_run(evidence)
    return tuple(_from_disk(s) for s in local_run.log.system.values()) if local_run else ()


def host_series(evidence: Evidence, kind: HostKind, where: Where | None = None) -> tuple[SystemView, ...]:
    """Return the series of one part of the host that hold at least one sample."""
    found = system_series(evidence, where)
    # Each node of a job has the same few keys.
    keys = {key for key in {view.key for view in found} if re.fullmatch(_HOST[kind], key)}
    return tuple(view for view in found if view.count and view.key in keys)


def gpus(evidence: Evidence, where: Where | None = None) -> tuple[GpuView, ...]:
    """Return the GPUs that reported anything, by label and index; `gpu.process.N` repeats a GPU and is left out."""
    return _gpus(evidence, where or where_to_look(evidence))


@once
def _gpus(evidence: Evidence, where: Where) -> tuple[GpuView, ...]:
    found: dict[tuple[str, int], dict[str, SystemView]] = {}
    series = system_series(evidence, where)
    matches = {key: re.fullmatch(r"gpu\.(\d+)\.(.+)", key) for key in {view.key for view in series}}
    for view in series:
        if view.count and (match := matches[view.key]):
            found.setdefault((view.label, int(match[1])), {})[match[2]] = view
    return tuple(GpuView(index, label, _vendor(named), named) for (label, index), named in sorted(found.items()))


def gpu_gaps(evidence: Evidence, where: Where | None = None) -> tuple[str, ...]:
    """Return what is missing, one sentence each; empty where every GPU that reports is complete.

    Asked for are utilisation, memory and temperature, and power of each AMD first die. A single value of 0 is no gap
    (a GPU may be idle, and since SDK 0.19.2 zero may mean that the tool has no such field), but a GPU with nothing
    above zero was not measured: its temperature alone would be.
    """
    gaps: list[str] = []
    for gpu in gpus(evidence, where):
        name = f"GPU {gpu.index}" + (f" of {gpu.label}" if gpu.label else "")
        if gpu.all_zero:
            gaps.append(f"{name} reports 0 for everything")
            continue
        gaps += [f"{name} reports no {what}" for what, view in _asked(gpu) if view is None]
        if not gpu.second_die and gpu.vendor == "amd" and gpu.power is not None and not gpu.power.positive:
            gaps.append(f"{name} reports power 0 in every sample")
    return tuple(gaps)


def _asked(gpu: GpuView) -> tuple[tuple[str, SystemView | None], ...]:
    asked = (("utilisation", gpu.utilisation), ("memory", gpu.memory), ("temperature", gpu.temperature))
    return asked if gpu.second_die or gpu.vendor != "amd" else (*asked, ("power", gpu.power))


def _vendor(named: Mapping[str, SystemView]) -> Vendor:
    if _AMD_ONLY & named.keys():
        return "amd"
    return "nvidia" if _NVIDIA_ONLY & named.keys() else "unknown"


def _parted(key: str) -> tuple[str, str]:
    """Part `system.gpu.0.temp/l:node1` into `gpu.0.temp` and `node1`."""
    name, _, label = key.removeprefix("system.").partition("/l:")
    return name, label


def _from_server(found: SystemSeries) -> SystemView:
    key, label = _parted(found.key)
    return SystemView(
        key=key, label=label, where="server", count=found.count, minimum=found.minimum, maximum=found.maximum,
        sketch=found.sketch,
    )  # fmt: skip


def _from_disk(found: SystemSeriesSummary) -> SystemView:
    key, label = _parted(found.key)
    points = ((seconds, number(raw)) for seconds, raw in found.sketch)
    return SystemView(
        key=key, label=label, where="disk", count=found.count, minimum=found.min, maximum=found.max,
        sketch=tuple((seconds, value) for seconds, value in points if value is not None),
    )  # fmt: skip
