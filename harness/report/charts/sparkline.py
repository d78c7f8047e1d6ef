"""Small curves for the terminal: loss and GPU utilisation in a line each."""

from collections.abc import Sequence

from harness.evidence.models import Evidence
from harness.evidence.redaction.visible import clean
from harness.judging.metric_series import SeriesView, judged, series
from harness.judging.system_series import GpuView, gpus
from harness.report.charts.scale import finite
from harness.report.charts.system import gpu_name
from harness.report.text import number

BARS = "▁▂▃▄▅▆▇█"
PLAIN = "_.-=+*#@"
"""For terminals that cannot show the bars."""
MOST_GPUS = 8


def bars_for(encoding: str | None) -> str:
    """Return the characters that a terminal of this encoding can show."""
    try:
        BARS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return BARS


def sparkline(
    values: Sequence[float], width: int, bars: str, low: float | None = None, high: float | None = None
) -> str:
    """Draw values as at most `width` characters, each the mean of its stretch; empty without values."""
    if not values:
        return ""
    count = min(width, len(values))
    parts = [values[n * len(values) // count : (n + 1) * len(values) // count] for n in range(count)]
    means = [sum(part) / len(part) for part in parts]
    least = min(means) if low is None else low
    most = max(means) if high is None else high
    if most <= least:
        return bars[0] * count
    steps = [int((mean - least) / (most - least) * (len(bars) - 1) + 0.5) for mean in means]
    return "".join(bars[min(len(bars) - 1, max(0, step))] for step in steps)


def curves(evidence: Evidence | None, width: int, encoding: str | None) -> list[str]:
    """Return a line for the loss (or the first expected metric) and one for each GPU, none wider than `width`."""
    if evidence is None:
        return []
    bars = bars_for(encoding)
    lines = []
    asked = judged(evidence)
    for name in dict.fromkeys(("loss", *asked)):
        view = series(evidence, name) if name in asked else None
        if view and view.sketch:
            lines.append(_metric(view, width, bars))
            break
    found = gpus(evidence)
    lines += [_gpu(gpu, width, bars) for gpu in found[:MOST_GPUS] if gpu.utilisation and gpu.utilisation.sketch]
    if len(found) > MOST_GPUS:
        lines.append(f"and {len(found) - MOST_GPUS} more GPUs")
    return lines


def _metric(view: SeriesView, width: int, bars: str) -> str:
    values = [v for _, v in finite(view.sketch)]
    if not values:
        return ""
    head, tail = f"{clean(view.key, 24)}: {number(values[0])} ", f" {number(values[-1])}"
    return _fitted(head, tail, values, width, bars, None, None)


def _gpu(gpu: GpuView, width: int, bars: str) -> str:
    view = gpu.utilisation
    values = [v for _, v in finite(view.sketch)] if view else []
    mean = sum(values) / len(values) if values else 0.0
    return _fitted(f"{gpu_name(gpu)}: ", f" {mean:.0f} %", values, width, bars, 0.0, 100.0)


def _fitted(
    head: str, tail: str, values: Sequence[float], width: int, bars: str, low: float | None, high: float | None
) -> str:
    room = max(4, min(40, width - len(head) - len(tail)))
    return f"{head}{sparkline(values, room, bars, low, high)}{tail}"
