"""What a watch saw while the job ran, as the page shows it: a time line of states and problems, and a line for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.evidence.models import Evidence, Seen
from harness.evidence.models.slurm_states import PAUSED
from harness.evidence.redaction.visible import clean
from harness.report.charts.drawing import axis
from harness.report.charts.phases import Lane, lane
from harness.report.charts.scale import Scale
from harness.report.charts.time_line import Stretch
from harness.report.text import clock, moment, plural, seconds

UNITS = (("hours", 3600.0, 7200.0), ("minutes", 60.0, 300.0), ("seconds", 1.0, 0.0))
"""Names, seconds in one of them, and from how many seconds on they are counted."""
MOST = 200
"""Lines that are shown: the first and the newest."""


@dataclass(frozen=True)
class SeenRow:
    """One line of the table."""

    after: str
    text: str
    steps: str
    clock: str
    bad: bool


@dataclass(frozen=True)
class WatchedView:
    """The rows of the time line with their axis, and the table."""

    lanes: tuple[Lane, ...]
    axis: Markup
    rows: tuple[SeenRow, ...]
    left_out: int


def watched_of(evidence: Evidence) -> WatchedView | None:
    """Return what was watched; None where nothing was."""
    seen = evidence.watched
    if not seen:
        return None
    zero, end = seen[0].at, max(evidence.created_at, seen[-1].at)
    unit, length = next((name, size) for name, size, least in UNITS if end - zero >= least)
    x = Scale(0.0, max(1.0, (end - zero) / length))
    problems = [Stretch("seen", "", *span, "bad") for span in _problems(seen, zero, end, length)]
    bad_s = sum(bar.end - bar.start for bar in problems) * length
    told = f"{plural(len(problems), 'problem')}, {seconds(bad_s)} in all" if problems else "no problem"
    lanes = (
        Lane(f"State: {_states(seen)}", lane(list(_bars(seen, zero, end, length)), (), 0.0, x)),
        Lane(f"Watched for {seconds(end - zero)}: {told}", lane(problems, (), 0.0, x)),
    )
    kept = seen if len(seen) <= MOST else (*seen[: MOST // 2], *seen[-MOST // 2 :])
    rows = tuple(
        SeenRow(moment(s.at - zero), _words(s), f"{s.steps:,}", clock(s.at), s.event == "problem") for s in kept
    )
    return WatchedView(lanes, axis(x, f"{unit} after the first look"), rows, len(seen) - len(kept))


def _bars(seen: Sequence[Seen], zero: float, end: float, length: float) -> Iterator[Stretch]:
    """A bar for each state until the next one; the state at the end lasts no longer than the job."""
    changes = [s for s in seen if s.event in ("begin", "state", "end")]
    for now, then in zip(changes, [*(s.at for s in changes[1:]), end], strict=False):
        if now.event != "end":
            look = "wait" if now.state.upper() in PAUSED else "work"
            yield Stretch("run", now.state, (now.at - zero) / length, (then - zero) / length, look)


def _problems(seen: Sequence[Seen], zero: float, end: float, length: float) -> Iterator[tuple[float, float]]:
    """From when to when something was wrong; what was never mended lasts to the end."""
    since: float | None = None
    for s in seen:
        if s.event in ("problem", "mended") and since is not None:
            yield (since - zero) / length, (s.at - zero) / length
            since = None
        if s.event == "problem":
            since = s.at
    if since is not None:
        yield (since - zero) / length, (end - zero) / length


def _states(seen: Sequence[Seen]) -> str:
    told = [s.state for s in seen if s.event in ("begin", "state")]
    return clean(", then ".join(s for n, s in enumerate(told) if not n or s != told[n - 1]), 200) or "never seen"


def _words(s: Seen) -> str:
    text = {
        "begin": f"first seen: {s.state}", "state": f"now {s.state}", "verified": f"verified: {s.verdict}",
        "problem": f"{s.problem}: {s.words}", "mended": "mended",
        "end": f"ended: {s.state}" + (f", verdict {s.verdict}" if s.verdict else ""),
    }[s.event]  # fmt: skip
    return clean(text, 400)
