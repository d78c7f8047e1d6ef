"""Draws charts as inline SVG that needs no script: lines stretch with the page, texts keep their size."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from harness.report.charts.scale import Points, Scale, thin, ticks
from harness.report.text import number

WIDE, HIGH = 1000, 200
"""Units of a plot, stretched over its box; whole numbers keep the page light."""
POINTS = 3000
"""Points of all lines of a chart together."""
FEW = 60
"""Up to so many points of a chart are shown as dots."""
TONES = 8


@dataclass(frozen=True)
class Line:
    """One series: `tone` picks its colour, `dashed` marks what the disk has, `faint` one of very many."""

    name: str
    points: Points
    tone: int = 0
    dashed: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Mark:
    """A moment that is drawn through every chart of the same axis."""

    at: float
    kind: str


@dataclass(frozen=True)
class Chart:
    """A picture and the same in words; without lines only the `note` is shown."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    x: Scale
    y: Scale
    words: str
    note: str = ""
    marks: tuple[Mark, ...] = ()
    legend: tuple[Line, ...] = ()
    least: float = 0.0
    """The least distance of the numbers on the x axis: steps are whole."""

    @property
    def svg(self) -> Markup:
        """The plot."""
        return plot(self)

    @property
    def axis(self) -> Markup:
        """The numbers under a plot over steps."""
        return axis(self.x, "step", self.least)


def plot(chart: Chart) -> Markup:
    """Draw a chart's lines and its grid, with the numbers of the y axis to its left."""
    share = max(24, POINTS // max(1, len(chart.lines)))
    dotted = sum(len(line.points) for line in chart.lines) <= FEW
    heights = ticks(chart.y, 4)
    grid = [f"M0 {_y(chart.y, t)}H{WIDE}" for t in heights]
    grid += [f"M{_x(chart.x, t)} 0V{HIGH}" for t in ticks(chart.x, 5, chart.least)]
    body = [Markup('<path class="grid" d="{}"/>').format("".join(grid))]
    body += [
        Markup('<path class="mark {}" d="M{} 0V{}"/>').format(m.kind, _x(chart.x, m.at), HIGH)
        for m in chart.marks
        if chart.x.holds(m.at)
    ]
    # What is judged comes first and is drawn last: it lies above the other side's line.
    body += [_line(line, chart, share, dotted=dotted) for line in reversed(chart.lines)]
    numbers = [
        Markup('<text x="-6" y="{}%">{}</text>').format(round(100 * (1 - chart.y.at(t)), 1), number(t)) for t in heights
    ]
    return Markup(
        '<svg class="plot" role="img" aria-label="{}"><svg viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>'
        "{}</svg>"
    ).format(chart.words, WIDE, HIGH, Markup("").join(body), Markup("").join(numbers))


def _line(line: Line, chart: Chart, share: int, *, dotted: bool) -> Markup:
    points = thin(line.points, share)
    kind = f"line t{line.tone % TONES}" + (" dashed" if line.dashed else "") + (" faint" if line.faint else "")
    drawn = path(points, chart.x, chart.y, WIDE, HIGH)
    dots = Markup("")
    if dotted:
        # A stroke of no length with round ends is a dot that does not stretch with the plot.
        at = "".join(f"M{_x(chart.x, x)} {_y(chart.y, y)}h0" for x, y in points)
        dots = Markup('<path class="dots {}" d="{}"/>').format(kind, at)
    return Markup('<path class="{}" d="{}"><title>{}</title></path>{}').format(kind, drawn, line.name, dots)


def path(points: Points, x: Scale, y: Scale, wide: int, high: int) -> str:
    """Write a line as an SVG path in whole units, each step relative to the one before."""
    if not points:
        return ""
    at = [(round(x.at(a) * wide), round((1 - y.at(b)) * high)) for a, b in points]
    steps = [(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in pairwise(at)]
    drawn = " ".join(f"{across} {down}" for across, down in steps if across or down)
    return f"M{at[0][0]} {at[0][1]}" + (f"l{drawn}".replace(" -", "-") if drawn else "")


def spark(points: Points, y: Scale, most: int = 32) -> Markup:
    """Draw a line of a table's row; the row's numbers say the same in words."""
    x = Scale(points[0][0], max(points[-1][0], points[0][0] + 1e-9)) if points else Scale(0, 1)
    drawn = path(thin(points, most), x, y, 100, 20)
    return Markup(
        '<svg class="spark" aria-hidden="true" viewBox="0 0 100 20" preserveAspectRatio="none"><path d="{}"/></svg>'
    ).format(drawn)


def axis(scale: Scale, label: str, least: float = 0.0) -> Markup:
    """Draw the numbers under a plot, and what they count."""
    texts = [_tick(scale, t) for t in ticks(scale, 5, least)]
    return Markup('<svg class="axis" aria-hidden="true">{}</svg><p class="unit">{}</p>').format(
        Markup("").join(texts), label
    )


def _tick(scale: Scale, value: float) -> Markup:
    return Markup('<text x="{}%" y="12">{}</text>').format(round(100 * scale.at(value), 1), number(value))


def summary(points: Points) -> str:
    """Say in words what a line shows."""
    if not points:
        return "no points"
    least, most = min(v for _, v in points), max(v for _, v in points)
    return f"from {number(points[0][1])} to {number(points[-1][1])}, least {number(least)}, greatest {number(most)}"


def names(lines: Sequence[Line]) -> str:
    """Name the lines of a chart."""
    return ", ".join(line.name for line in lines[:8]) + (f" and {len(lines) - 8} more" if len(lines) > 8 else "")


def _x(scale: Scale, value: float) -> int:
    return round(scale.at(value) * WIDE)


def _y(scale: Scale, value: float) -> int:
    return round((1 - scale.at(value)) * HIGH)
