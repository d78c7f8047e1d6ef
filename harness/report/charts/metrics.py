"""The training's metrics over steps, from the server and from the disk where the two differ."""

from harness.evidence.models import Evidence
from harness.evidence.redaction.visible import clean
from harness.judging.metric_series import SeriesView, Where, all_series, judged, where_to_look
from harness.report.charts.drawing import Chart, Line, summary
from harness.report.charts.scale import finite, rounded, scale_of
from harness.report.text import number, plural

MOST = 6
"""Charts of metrics; the expected ones come first."""


def metric_charts(evidence: Evidence) -> list[Chart]:
    """Draw the expected metrics, and some of the others."""
    here = where_to_look(evidence)
    there: Where = "disk" if here == "server" else "server"
    mine, others = all_series(evidence, here), all_series(evidence, there)
    expected = list(dict.fromkeys(judged(evidence).values()))
    rest = sorted(k for k, v in mine.items() if k not in expected and not k.startswith("_") and v.usable)
    if not mine and not others:
        return []
    return [_chart(key, mine.get(key), others.get(key)) for key in (*expected[:MOST], *rest)[:MOST]]


def left_out(evidence: Evidence) -> int:
    """How many metrics are not drawn."""
    named = {k for k in all_series(evidence) if not k.startswith("_")} | set(judged(evidence).values())
    return max(0, len(named) - MOST)


def _chart(key: str, mine: SeriesView | None, other: SeriesView | None) -> Chart:
    views = [v for v in (mine, other) if v is not None]
    shown = [mine] if mine is not None and (other is None or _same(mine, other)) else views
    lines = tuple(
        Line(
            f"{v.where}: {plural(v.count, 'point')}", finite(v.sketch), tone=0 if v is mine else 1, dashed=v is not mine
        )
        for v in shown
    )
    points = [p for line in lines for p in line.points]
    told = "; ".join(f"{line.name}, {summary(line.points)}" for line in lines)
    name = clean(key, 60)
    return Chart(
        title=name, unit="", lines=tuple(line for line in lines if line.points),
        x=scale_of((x for x, _ in points), low=None), y=rounded(scale_of(y for _, y in points)),
        words=f"{name} over steps: {told}" if lines else name, note=_note(mine, other),
        legend=lines if len(lines) > 1 else (), least=1.0,
    )  # fmt: skip


def _same(mine: SeriesView, other: SeriesView) -> bool:
    return (mine.count, mine.last_step, mine.last) == (other.count, other.last_step, other.last)


def _note(mine: SeriesView | None, other: SeriesView | None) -> str:
    view = mine or other
    if view is None:
        return "never logged"
    if mine is None:
        return f"only the {view.where} has it ({plural(view.count, 'point')})"
    steps = (
        f", steps {view.first_step:,} to {view.last_step:,}" if view.first_step is not None and view.last_step else ""
    )
    last = number(view.last) if isinstance(view.last, int | float) else clean(view.last, 24)
    told = [f"{plural(view.count, 'point')}{steps}, last {last}"]
    if view.non_finite:
        told.append(f"{view.non_finite:,} not finite")
    if view.others:
        told.append(f"{view.others:,} no numbers")
    if view.backward_steps:
        told.append(f"{plural(view.backward_steps, 'step')} back")
    return "; ".join(told)
