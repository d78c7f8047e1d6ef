"""Everything on a page that is drawn, from the evidence alone."""

from dataclasses import dataclass

from markupsafe import Markup

from harness.evidence.models import Evidence
from harness.evidence.redaction.visible import clean
from harness.report.charts.drawing import Chart, Mark, axis
from harness.report.charts.metrics import left_out, metric_charts
from harness.report.charts.phases import Lane, lanes_of
from harness.report.charts.system import GpuRow, gpu_charts, gpu_rows, host_charts, samples_end
from harness.report.charts.time_line import Moments, events, moments, time_scale
from harness.report.text import clock, moment

MOST_EVENTS = 40


@dataclass(frozen=True)
class Told:
    """One moment in words."""

    after: str
    clock: str
    text: str
    kind: str


@dataclass(frozen=True)
class Pictures:
    """All pictures of a page; every chart in `over_time` and every lane has the same axis."""

    metrics: tuple[Chart, ...]
    metrics_left_out: int
    over_time: tuple[Chart, ...]
    lanes: tuple[Lane, ...]
    axis: Markup
    told: tuple[Told, ...]
    gpu_rows: tuple[GpuRow, ...]

    @property
    def any(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.metrics or self.over_time or self.lanes)


def pictures(evidence: Evidence) -> Pictures:
    """Draw everything that the evidence holds."""
    metrics, found = tuple(metric_charts(evidence)), moments(evidence)
    ends = samples_end(evidence, found.zero) if found.zero is not None else None
    x = time_scale(evidence, found, ends)
    if x is None or found.zero is None:
        return Pictures(metrics, left_out(evidence), (), (), Markup(""), (), tuple(gpu_rows(evidence)))
    zero, start = found.zero, "the job's start" if found.zero == found.started else "the run began"
    marks = _marks(found, zero)
    charts = (*gpu_charts(evidence, zero, x, marks), *host_charts(evidence, zero, x, marks))
    told = tuple(
        Told(moment(e.at - zero), clock(e.at), clean(e.text, 120), e.kind)
        for e in events(evidence, found)[:MOST_EVENTS]
    )
    return Pictures(
        metrics, left_out(evidence), charts, tuple(lanes_of(evidence, found, zero, x)),
        axis(x, f"seconds after {start}"), told, tuple(gpu_rows(evidence)),
    )  # fmt: skip


def _marks(found: Moments, zero: float) -> tuple[Mark, ...]:
    seen = ((found.point_seen, "sighted"), (found.system_seen, "sampled"))
    times = ((found.run_begun, "begun"), *seen, (found.ended, "ended"))
    return tuple(Mark(at - zero, kind) for at, kind in times if at is not None)
