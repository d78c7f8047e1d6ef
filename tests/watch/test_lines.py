"""What the watch shows: lines, and a table at 80 and at 200 columns."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from harness.judging.live.activity import Series
from harness.judging.live.activity import at_work as gpus_at_work
from harness.judging.live.life import Beat
from harness.judging.live.troubles import troubles
from harness.watch.lines import line, state_of
from harness.watch.screen import Lines, table
from harness.watch.subjects import Subject
from harness.watch.track import Look, Track


def subject(name: str = "team/vit/abcd1234", **change: object) -> Subject:
    """A run that works: 100 steps of half a second, the last one 8 s ago."""
    track = Track(0.0)
    track.take(Look("running", 0.0, 95.0, 160, 80.0), 90.0)
    track.take(Look("running", 0.0, 95.0, 184, 92.0), 100.0)
    return Subject(name, "run", track, state="running", steps=184, life=track.life(100.0), **change)  # type: ignore[arg-type]


def test_a_line_tells_state_steps_rate_and_ages():
    assert line(subject(), 100.0)[21:] == "team/vit/abcd1234  works  184 steps  2/s  last step 8 s  heard 5 s"


@pytest.mark.parametrize(
    ("kind", "run", "state"), [("job", None, "no run yet"), ("job", ("a", "b", "c"), "no step yet")]
)
def test_nothing_works_before_its_first_step(kind, run, state):
    assert state_of(Subject("42", kind, Track(0.0), run=run, state="running")) == state


@pytest.mark.parametrize(("activity", "state"), [("aside", "waits"), ("unknown", "waits"), ("working", "works")])
def test_a_job_whose_steps_stay_away_waits_before_anything_is_wrong(activity, state):
    late = subject()
    late.life = replace(late.life, now=192.0, heartbeat=Beat(190.0), activity=activity)
    assert (troubles(late.life), state_of(late)) == ((), state)


def test_a_line_tells_what_is_wrong():
    told = line(subject(problem="live-no-steps", words="no step for 80 s"), 100.0)
    assert "PROBLEM" in told
    assert told.endswith("live-no-steps: no step for 80 s")


@pytest.mark.parametrize("width", [80, 200])
def test_the_table_fits_and_says_all_that_is_wrong(width):
    broken = {"problem": "metric-missing-key", "words": "Metric acc was never logged"}
    at_work = {"gpu.0.gpu/l:a": 90.0, "gpu.1.gpu/l:a": 0.0} | {f"gpu.{n}.gpu/l:b": 90.0 for n in range(14)}
    busy = subject("team/vit/ijkl9012")
    busy.life = replace(busy.life, gpus=gpus_at_work({k: Series([90.0], [v]) for k, v in at_work.items()}))
    many = [
        busy,
        subject("team-of-many/a-project-with-a-long-name-indeed/abcd1234"),
        subject("team/vit/efgh5678", **broken),
    ]
    console = Console(file=StringIO(), width=width, force_terminal=False)
    console.print(table(many, width, 100.0))
    shown = console.file.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    assert "team/vit/efgh5678: metric-missing-key: Metric acc was never logged" in " ".join(shown.split())
    assert shown.index("efgh5678") < shown.index("abcd1234")
    assert "8 s" in shown
    assert "output" not in shown
    assert "15/16" in shown
    assert "\n3 jobs, 1 with a problem; seen at " in shown


def test_plain_lines_come_with_news_and_now_and_then(capsys):
    lines, one = Lines(), subject()
    for now in (100.0, 160.0, 750.0):
        lines.show([one], now)
    assert capsys.readouterr().out.count("\n") == 2
    one.state = "finished"
    lines.show([one], 760.0)
    assert "finished" in capsys.readouterr().out


def test_the_first_step_is_news(capsys):
    lines, one = Lines(), subject()
    one.steps = 0
    lines.show([one], 100.0)
    one.steps = 1
    lines.show([one], 101.0)
    assert [told.split("  ")[2] for told in capsys.readouterr().out.splitlines()] == ["no step yet", "works"]


def test_quiet_lines_tell_what_is_wrong_and_that_it_is_mended(capsys):
    lines, one = Lines(quiet=True), subject()
    lines.show([one], 100.0)
    assert capsys.readouterr().out == ""
    one.problem = "live-no-steps"
    lines.show([one], 101.0)
    one.problem = ""
    for now in (102.0, 900.0):
        lines.show([one], now)
    assert [told.split("  ")[2] for told in capsys.readouterr().out.splitlines()] == ["PROBLEM", "works"]
