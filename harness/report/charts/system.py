"""System metrics over time: GPUs and the host, all on the same axis."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.evidence.models import Evidence
from harness.evidence.redaction.visible import clean
from harness.judging.metric_series import Where, where_to_look
from harness.judging.system_series import GpuView, HostKind, SystemView, gpus, host_series, system_series
from harness.judging.view import main_local_run, main_server_run
from harness.report.charts.drawing import Chart, Line, Mark, names, spark, summary
from harness.report.charts.scale import Scale, finite, rounded, scale_of
from harness.report.text import number, plural

EACH = 8
"""Up to so many GPUs have a colour of their own."""
HOST: tuple[tuple[HostKind, str, str, tuple[str, ...]], ...] = (
    ("cpu", "CPU", "%", (r"cpu",)),
    ("memory", "Memory", "%", (r"memory|memory_percent",)),
    ("disk", "Disk traffic", "MB", (r"disk(\..+)?\.(in|out)",)),
    ("network", "Network", "bytes", (r"network\.(sent|recv)",)),
)
"""Part of the host, title and unit of its chart, and which of its series have that unit."""


@dataclass(frozen=True)
class GpuRow:
    """One GPU in numbers: what the lines of the charts say, for readers of words."""

    name: str
    spark: Markup
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Clocked:
    """Where the samples lie: `shift` turns a series' seconds into seconds after zero of the page."""

    where: Where
    shift: float


def clocked(evidence: Evidence, where: Where, zero: float) -> Clocked | None:
    """Say how the samples of one side lie on the page's axis; None where that is not known."""
    local, server = main_local_run(evidence), main_server_run(evidence)
    begun = local.log.run.start_time if local and local.log.run else None
    base = (begun or (server.created_at if server else None)) if where == "server" else (
        local.log.system_first_time if local else None
    )  # fmt: skip
    return None if base is None else Clocked(where, base - zero)


def samples_end(evidence: Evidence, zero: float) -> float | None:
    """When the last system sample was taken, in unix seconds."""
    here = clocked(evidence, where_to_look(evidence), zero)
    ends = [v.sketch[-1][0] for v in system_series(evidence) if v.sketch]
    return zero + here.shift + max(ends) if here and ends else None


def gpu_charts(evidence: Evidence, zero: float, x: Scale, marks: tuple[Mark, ...]) -> list[Chart]:
    """Draw utilisation, memory, power and temperature, a line for each GPU."""
    here = where_to_look(evidence)
    side = clocked(evidence, here, zero)
    found = gpus(evidence, here)
    if not found or side is None:
        return []
    memory = next((g.memory for g in found if g.memory), None)
    percent = memory is not None and not memory.key.endswith(("Bytes", "Used"))
    asked: Sequence[tuple[str, str, Callable[[GpuView], SystemView | None], float | None]] = (
        ("GPU utilisation", "%", lambda g: g.utilisation, 100.0),
        ("GPU memory", "%" if percent else "bytes", lambda g: g.memory, 100.0 if percent else None),
        ("GPU power", "W", lambda g: g.power if g.power and g.power.positive else None, None),
        ("GPU temperature", "°C", lambda g: g.temperature, None),
    )
    return [_gpu_chart(title, unit, of, high, found, side, x, marks) for title, unit, of, high in asked]


def _gpu_chart(
    title: str,
    unit: str,
    of: Callable[[GpuView], SystemView | None],
    high: float | None,
    found: Sequence[GpuView],
    side: Clocked,
    x: Scale,
    marks: tuple[Mark, ...],
) -> Chart:
    views = [(gpu_name(gpu), view) for gpu in found if (view := of(gpu)) is not None]
    faint = len(views) > EACH
    lines = tuple(
        Line(name, _moved(view, side), tone=0 if faint else n, faint=faint) for n, (name, view) in enumerate(views)
    )
    missing = len(found) - len(views)
    note = plural(len(views), "GPU") + (f"; {missing} without" if missing else "")
    low = 0.0 if title != "GPU temperature" else None
    return _chart(title, unit, lines, x, marks, note, low=low, high=high, legend=len(views) > 1 and not faint)


def gpu_name(gpu: GpuView) -> str:
    """Name a GPU: on AMD each die (GCD) counts as one."""
    kind = "GCD" if gpu.vendor == "amd" else "GPU"
    return f"{kind} {gpu.index}" + (f" of {clean(gpu.label, 30)}" if gpu.label else "")


def gpu_rows(evidence: Evidence) -> list[GpuRow]:
    """Tell each GPU's utilisation, memory, power and temperature in numbers."""
    rows = []
    for gpu in gpus(evidence):
        use = gpu.utilisation
        points = finite(use.sketch) if use else []
        cells = [_range(v) for v in (use, gpu.memory, gpu.power, gpu.temperature)]
        if gpu.second_die and not (gpu.power and gpu.power.positive):
            cells[2] = "no sensor"
        rows.append(GpuRow(gpu_name(gpu), spark(points, Scale(0, 100)), tuple(cells)))
    return rows


def _range(view: SystemView | None) -> str:
    if view is None or view.maximum is None:
        return "–"
    least, most = number(view.minimum), number(view.maximum)
    return least if least == most else f"{least} … {most}"


def host_charts(evidence: Evidence, zero: float, x: Scale, marks: tuple[Mark, ...]) -> list[Chart]:
    """Draw CPU, memory, disk and network; the other side as dashed lines where it has other samples."""
    here = where_to_look(evidence)
    there: Where = "disk" if here == "server" else "server"
    side, other_side = clocked(evidence, here, zero), clocked(evidence, there, zero)
    mine = {(v.label, v.key): v for v in system_series(evidence, here) if v.count}
    others = {(v.label, v.key): v for v in system_series(evidence, there) if v.count}
    if not mine and not others:
        return []
    charts = []
    for kind, title, unit, patterns in HOST:
        lines = _lines(mine, patterns, side, dashed=False)
        if other_side and _differ(mine, others, patterns):
            lines = _lines(mine, patterns, side, dashed=False, named=True)
            lines += _lines(others, patterns, other_side, dashed=True, named=True)
        note = "" if lines else _instead(evidence, kind)
        low, high = 0.0, 100.0 if unit == "%" else None
        kept = tuple(lines[:8])
        charts.append(_chart(title, unit, kept, x, marks, note, low=low, high=high, legend=len(kept) > 1))
    return charts


def _instead(evidence: Evidence, kind: HostKind) -> str:
    """Say what was recorded of a part of the host where nothing of it can be drawn."""
    keys = sorted({view.key for view in host_series(evidence, kind)})
    return f"only {', '.join(keys[:3])}" if keys else "not recorded"


Key = tuple[str, str]


def _lines(
    views: Mapping[Key, SystemView], patterns: Iterable[str], side: Clocked | None, *, dashed: bool, named: bool = False
) -> list[Line]:
    if side is None:
        return []
    found = [(k, v) for k, v in sorted(views.items()) if any(re.fullmatch(p, v.key) for p in patterns)]
    return [
        Line(
            clean(v.key, 40) + (f" ({clean(label, 20)})" if label else "") + (f", {side.where}" if named else ""),
            _moved(v, side), tone=n, dashed=dashed,
        )
        for n, ((label, _), v) in enumerate(found)
    ]  # fmt: skip


def _differ(mine: Mapping[Key, SystemView], others: Mapping[Key, SystemView], patterns: Iterable[str]) -> bool:
    """Whether the other side has clearly more or fewer samples: one or two at the end are on their way."""
    keys = [k for k in (mine.keys() | others.keys()) if any(re.fullmatch(p, k[1]) for p in patterns)]
    counts = [(mine[k].count if k in mine else 0, others[k].count if k in others else 0) for k in keys]
    return any(b and abs(a - b) > max(2, 0.1 * max(a, b)) for a, b in counts)


def _moved(view: SystemView, side: Clocked) -> list[tuple[float, float]]:
    return finite((at + side.shift, value) for at, value in view.sketch)


def _chart(
    title: str,
    unit: str,
    lines: tuple[Line, ...],
    x: Scale,
    marks: tuple[Mark, ...],
    note: str,
    *,
    low: float | None,
    high: float | None,
    legend: bool,
) -> Chart:
    y = rounded(scale_of((v for line in lines for _, v in line.points), low=low, high=high))
    told = "; ".join(f"{line.name}: {summary(line.points)}" for line in lines[:8])
    words = f"{title} in {unit} over time, {names(lines)}. {told}" if lines else title
    return Chart(title, unit, lines, x, y, words, note, marks, legend=lines if legend else ())
