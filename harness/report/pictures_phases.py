"""The time line: queue, job, run, what the server showed, and the harness's own work, in rows on one axis."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.evidence.models import Evidence
from harness.report.html_text import seconds
from harness.report.pictures_moments import Moments, Stretch, stretches
from harness.report.pictures_scale import Scale

LANES = (
    ("job", "Job"), ("run", "W&B run"), ("logged", "Points logged"), ("seen", "On the server"), ("harness", "Harness"),
)  # fmt: skip
ROOM = 0.12
"""A bar that takes this share of the axis has room for its name."""


@dataclass(frozen=True)
class Lane:
    """One row of the time line."""

    name: str
    svg: Markup


def lanes_of(evidence: Evidence, found: Moments, zero: float, x: Scale) -> list[Lane]:
    """Draw the rows that have something to show; `zero` in unix seconds, `x` in seconds after it."""
    bars = stretches(evidence, found)
    lanes = []
    for key, name in LANES:
        mine = [s for s in bars if s.lane == key and s.end - zero > x.low and s.start - zero < x.high]
        dots = _dots(found, zero) if key in ("logged", "seen") else ()
        at = [a for a, k in dots if k == key]
        if mine or at:
            lanes.append(Lane(name, _lane(mine, at, zero, x)))
    return lanes


def _dots(found: Moments, zero: float) -> tuple[tuple[float, str], ...]:
    logged = tuple((t - zero, "logged") for t in found.logged)
    seen = tuple((t - zero, "seen") for t in (found.run_seen, found.point_seen, found.system_seen) if t is not None)
    return (*logged, *seen)


def _lane(bars: Sequence[Stretch], dots: Sequence[float], zero: float, x: Scale) -> Markup:
    drawn = []
    for bar in bars:
        left, right = x.at(bar.start - zero), x.at(bar.end - zero)
        told = f"{bar.text}: {seconds(bar.end - bar.start)}"
        drawn.append(
            Markup('<rect class="{}" x="{}%" width="{}%" y="4" height="14" rx="2"><title>{}</title></rect>').format(
                bar.look, _percent(left), max(0.3, _percent(right - left)), told
            )
        )
        if right - left > ROOM and bar.lane != "seen":
            drawn.append(Markup('<text class="in" x="{}%" y="15">{}</text>').format(_percent(left + 0.005), bar.text))
    drawn += [Markup('<circle cx="{}%" cy="11" r="4"/>').format(p) for p in sorted({_percent(x.at(d)) for d in dots})]
    return Markup('<svg class="lane" aria-hidden="true">{}</svg>').format(Markup("").join(drawn))


def _percent(share: float) -> float:
    return round(100 * share, 1)
