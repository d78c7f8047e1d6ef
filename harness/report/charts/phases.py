"""The time line: queue, job, run, what the server showed, and the harness's own work, in rows on one axis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.evidence.models import Evidence
from harness.report.charts.scale import Scale, ticks
from harness.report.charts.time_line import Moments, Stretch, stretches
from harness.report.text import moment, seconds


@dataclass(frozen=True)
class Lane:
    """One row of the time line; the name says in words what is drawn."""

    name: str
    svg: Markup


def lanes_of(evidence: Evidence, found: Moments, zero: float, x: Scale) -> list[Lane]:
    """Draw the rows that have something to show; `zero` in unix seconds, `x` in seconds after it."""
    return [
        Lane(name, lane(bars, [d - zero for d in dots], zero, x))
        for name, bars, dots in _rows(stretches(evidence, found), found, zero)
    ]


Row = tuple[str, Sequence[Stretch], Sequence[float]]
"""Name, bars and dots."""


def _rows(bars: Sequence[Stretch], found: Moments, zero: float) -> Iterator[Row]:
    of = {lane: [b for b in bars if b.lane == lane] for lane in ("job", "run", "seen", "harness")}
    if of["job"]:
        yield f"Job: {_told(of['job'])}", of["job"], ()
    if of["run"]:
        start, end = (moment(at - zero) for at in (of["run"][0].start, of["run"][0].end))
        yield f"W&B run: wandb.init() at {start}, last sign at {end}", of["run"], ()
    if found.logged:
        times = dict.fromkeys(moment(t - zero) for t in (found.logged[0], found.logged[-1]))
        yield f"Points logged: {' to '.join(times)}", (), found.logged
    for bar in sorted(of["seen"], key=lambda b: b.start):
        yield f"{bar.text[0].upper()}{bar.text[1:]}: from {moment(bar.start - zero)} on", [bar], ()
    if of["harness"]:
        yield f"Harness: {_told(of['harness'])}", of["harness"], ()


def _told(bars: Sequence[Stretch]) -> str:
    return ", ".join(f"{bar.text} {seconds(bar.end - bar.start)}" for bar in bars)


def lane(bars: Sequence[Stretch], dots: Sequence[float], zero: float, x: Scale) -> Markup:
    """Draw one row: its bars, and dots for moments."""
    drawn = [Markup('<line x1="{0}%" x2="{0}%" y1="0" y2="18"/>').format(_percent(x.at(t))) for t in ticks(x, 5)]
    for bar in bars:
        start, end = bar.start - zero, bar.end - zero
        if end > x.low and start < x.high:
            left, right = _percent(x.at(start)), _percent(x.at(end))
            drawn.append(
                Markup('<rect class="{}" x="{}%" width="{}%" y="3" height="12" rx="2"/>').format(
                    bar.look, left, round(max(0.3, right - left), 1)
                )
            )
    drawn += [Markup('<circle cx="{}%" cy="9" r="4"/>').format(p) for p in sorted({_percent(x.at(d)) for d in dots})]
    return Markup('<svg class="lane" aria-hidden="true">{}</svg>').format(Markup("").join(drawn))


def _percent(share: float) -> float:
    return round(100 * share, 1)
