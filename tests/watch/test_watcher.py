"""The watch with everything that costs something replaced: what it asks, how often, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.models import Trouble
from harness.judging.live.troubles import Trouble as Broken
from harness.settings.model import SettingsError
from harness.targets.slurm.commands import Slurm
from harness.watch.ledger import Ledger
from harness.watch.listing import Answered, Listed
from harness.watch.queue import Queued, queued, seconds_of
from harness.watch.subjects import Subject, subject_of
from harness.watch.track import Look, Track
from harness.watch.verifying import Judged
from harness.watch.watcher import SELDOM_S, Watcher
from tests.targets.slurm.double import Double

GOOD = Judged("passed", live=True)


@dataclass
class World:
    """A server and a Slurm that a test moves on by hand."""

    folder: Path
    now: float = 10_000.0
    states: dict[str, str] = field(default_factory=dict)
    stands: dict[str, float] = field(default_factory=dict)
    """Since when nothing comes of a run."""
    trouble: Trouble | None = None
    retry_after_s: float | None = None
    queue: dict[str, Queued] = field(default_factory=dict)
    verdicts: dict[str, Judged] = field(default_factory=dict)
    asked: list[tuple[float, int, bool]] = field(default_factory=list)
    slurm_asked: int = 0
    verified: list[str] = field(default_factory=list)
    system: dict[str, float] = field(default_factory=dict)
    numbers: int = 0
    """System metrics of each run."""
    told: list[tuple[str, str, str]] = field(default_factory=list)

    def runs(self, _server: str | None, _entity: str, _project: str, ids: Any, system: bool) -> Answered:
        self.asked.append((self.now, len(ids), system))
        if self.trouble:
            return Answered(trouble=self.trouble, retry_after_s=self.retry_after_s)
        return Answered(tuple(Listed(i, i, self.look(i, system=system)) for i in ids))

    def look(self, run: str, *, system: bool) -> Look:
        at = min(self.now, self.stands.get(run, self.now))
        rows = int(at - 9000.0)
        machine = {**self.system, "cpu": self.now} if system and self.system else {}
        return Look(self.states.get(run, "running"), 9000.0, at - 5.0, rows, at - 5.0, (), machine, self.numbers)

    def slurm(self, ids: Any) -> dict[str, Queued]:
        self.slurm_asked += 1
        return {i: self.queue[i] for i in ids if i in self.queue}

    def verify(self, subject: Subject) -> Judged | None:
        self.verified.append(subject.name)
        return self.verdicts.get(subject.name, GOOD)

    def watcher(self, *names: str, once: bool = False) -> Watcher:
        subjects = [Subject(n, "run", Track(self.now), run=("team", "vit", n)) for n in names]
        return Watcher(
            subjects, self.runs, self.slurm, lambda _s, _n: None, self.verify, Ledger(self.folder),
            lambda event, s, _j: self.told.append((event, s.name, s.problem)), once,
        )  # fmt: skip

    def passes(self, watcher: Watcher, seconds: float) -> None:
        """Let the watch go on for so long."""
        end = self.now + seconds
        while self.now < end and not all(s.ended for s in watcher.subjects):
            self.now = max(watcher.round(self.now), self.now + 0.1)
        self.now = max(self.now, end)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_healthy_run_is_watched_in_silence(world):
    watcher = world.watcher("a")
    world.passes(watcher, 3600)
    assert world.told == []
    assert watcher.code == 0
    assert len(world.asked) < 120  # every 5 s at first, every 60 s in the end
    assert world.verified == ["a"] * 2  # at first sight, and every half hour


def test_two_hundred_runs_are_asked_for_together(world):
    watcher = world.watcher(*(f"r{n}" for n in range(200)))
    world.passes(watcher, 200)
    assert {count for _, count, _ in world.asked[1:]} == {200}
    assert len(world.verified) == 20  # the others wait for their turn
    assert len(world.asked) < 40


def test_of_many_large_runs_system_metrics_are_asked_for_now_and_then(world):
    world.system = {f"gpu.{n}.gpu": 90.0 for n in range(8)}
    world.numbers = 1000
    watcher = world.watcher(*(f"r{n}" for n in range(100)))
    world.passes(watcher, 3600)
    assert 8 <= sum(system for _, _, system in world.asked) <= 20
    assert sum(not system for _, _, system in world.asked) > 50
    world.asked.clear()
    world.stands["r1"] = world.now
    world.passes(watcher, 240)
    assert (1, True) in {(count, system) for _, count, system in world.asked}


def test_a_problem_is_told_once_and_again_when_it_is_mended(world):
    watcher = world.watcher("a")
    world.passes(watcher, 300)
    world.stands["a"] = world.now
    world.passes(watcher, 200)
    assert world.told == [("problem", "a", "live-no-heartbeat")]
    assert watcher.code == 1
    del world.stands["a"]
    world.passes(watcher, 120)
    assert world.told[1:] == [("mended", "a", "")]


def test_a_problem_is_verified_with_what_the_look_found_and_told_when_its_page_is_written(world):
    order = []
    watcher = world.watcher("a")
    watcher.verify = lambda s: order.append(s.broken.id if s.broken else "well") or GOOD
    watcher.show = lambda _s, entries: order.append(f"page: {entries[-1].event}")
    watcher.tell = lambda event, _s, _j: order.append(event)
    world.passes(watcher, 300)
    world.stands["a"] = world.now
    world.passes(watcher, 200)
    assert order == ["well", "page: verified", "live-no-heartbeat", "page: problem", "problem"]


def test_steps_that_stayed_away_are_there_again_when_one_comes(world, monkeypatch):
    found = [Broken("live-no-steps", "no step for 80 s", ())]
    monkeypatch.setattr("harness.watch.watcher.troubles", lambda _life: found)
    world.stands["a"] = world.now
    watcher = world.watcher("a")
    world.passes(watcher, 60)
    found.clear()  # the machine seems to work for a moment
    world.passes(watcher, 60)
    assert world.told == [("problem", "a", "live-no-steps")]
    del world.stands["a"]
    world.passes(watcher, 60)
    assert world.told[1:] == [("mended", "a", "")]


def test_what_stays_as_it_is_is_verified_ever_more_seldom(world):
    times = []
    watcher = world.watcher("a")
    watcher.verify = lambda _s: times.append(world.now) or Judged("failed", "metric-missing-key", "acc is missing")
    world.passes(watcher, 8 * 3600)
    waits = [round((b - a) / 300) for a, b in pairwise(times)]
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) <= SELDOM_S / 300 + 1


def test_what_was_verified_as_broken_is_verified_again_when_it_lives(world):
    watcher = world.watcher("a")
    world.passes(watcher, 300)
    world.stands["a"] = world.now
    world.verdicts["a"] = Judged("failed", "live-no-heartbeat", "nothing is heard of it")
    world.passes(watcher, 200)
    del world.stands["a"], world.verdicts["a"]
    world.passes(watcher, 90)
    assert [event for event, *_ in world.told] == ["problem", "mended"]
    assert len(world.verified) <= 5


def test_what_a_verification_finds_is_a_problem_until_another_finds_it_mended(world):
    world.verdicts["a"] = Judged("failed", "metric-missing-key", "Metric acc was never logged")
    watcher = world.watcher("a")
    world.passes(watcher, 100)
    assert world.told == [("problem", "a", "metric-missing-key")]
    del world.verdicts["a"]
    world.passes(watcher, 400)
    assert world.told[-1] == ("mended", "a", "")


def test_it_stops_at_the_end_of_the_run_with_its_verdict(world):
    watcher = world.watcher("a", "b")
    world.passes(watcher, 60)
    world.states = {"a": "finished", "b": "failed"}
    world.verdicts["b"] = Judged("failed", "end-failed-exitcode", "The script ended with an error")
    world.passes(watcher, 60)
    assert all(s.ended for s in watcher.subjects)
    assert watcher.code == 1
    assert [e for e in world.told if e[0] == "end"] == [("end", "a", ""), ("end", "b", "end-failed-exitcode")]


def test_what_was_broken_is_verified_again_at_its_end(world):
    world.verdicts["a"] = Judged("failed", "metric-missing-key", "Metric acc was never logged")
    watcher = world.watcher("a")
    world.passes(watcher, 60)
    del world.verdicts["a"]
    world.states["a"] = "finished"
    world.passes(watcher, 30)
    assert (watcher.subjects[0].verdict, watcher.code) == ("passed", 0)


def test_an_hour_without_network_is_told_and_survived(world):
    watcher = world.watcher("a")
    world.passes(watcher, 300)
    world.trouble = Trouble(kind="dns", text="the name has no address")
    world.passes(watcher, 3600)
    assert watcher.subjects[0].unread == "the name has no address"
    assert watcher.code == 10
    world.trouble = None
    world.passes(watcher, 300)
    assert (world.told, watcher.code) == ([], 0)


def test_retry_after_is_honoured(world):
    watcher = world.watcher("a")
    world.trouble, world.retry_after_s = Trouble(kind="http", text="rate limited", http_status=429), 120.0
    watcher.round(world.now)
    assert watcher.subjects[0].due_at >= world.now + 120.0


def test_after_a_restart_it_goes_on(world):
    world.stands["a"] = 9990.0
    world.passes(world.watcher("a"), 300)
    assert world.told == [("problem", "a", "live-no-heartbeat")]
    world.passes(world.watcher("a"), 300)
    assert len(world.told) == 1
    ledger = Ledger(world.folder)
    assert ledger.of("a")[0].event == "begin"
    assert ledger.jobs()[0].problem == "live-no-heartbeat"


def test_once_looks_once_and_verifies(world):
    world.verdicts["b"] = Judged("inconclusive", words="the server could not be read")
    watcher = world.watcher("a", "b", once=True)
    watcher.round(world.now)
    assert len(world.asked) == 1
    assert world.verified == ["a", "b"]
    assert watcher.code == 10


def test_slurm_is_asked_once_for_all_jobs(world):
    watcher = world.watcher()
    for job in ("1", "2", "3"):
        world.queue[job] = Queued("RUNNING", 3600.0)
        watcher.add(Subject(job, "job", Track(world.now)))
    watcher.round(world.now)
    assert world.slurm_asked == 1
    assert [s.state for s in watcher.subjects] == ["running"] * 3
    world.queue = {job: Queued("COMPLETED") for job in world.queue}
    world.passes(watcher, 10)
    assert all(s.ended for s in watcher.subjects)


def test_slurm_tells_the_name_and_the_gpu_hours_of_a_job(world):
    world.queue["1"] = Queued("RUNNING", 3600.0, name="vit-large", gpu_s=8 * 3600.0)
    watcher = world.watcher()
    watcher.add(Subject("1", "job", Track(world.now)))
    watcher.round(world.now)
    noted = Ledger(world.folder).last("1")
    assert (noted.name, noted.gpu_hours) == ("vit-large", 8.0)


@pytest.mark.parametrize(
    ("gres", "row", "seconds"),
    [
        ("gres/gpu:8", "", 2 * 8 * 600.0),
        ("gres:gpu:mi250:4", "", 2 * 4 * 600.0),
        ("gres/gpu", "", 2 * 600.0),
        ("N/A", "", None),
        ("N/A", "42|COMPLETED|500|cpu=4,gres/gpu=16\n", 16 * 500.0),
    ],
)
def test_gpu_hours_come_from_squeue_and_at_the_end_from_sacct(tmp_path, gres, row, seconds):
    double = Double(tmp_path / "bin")
    state = "COMPLETED" if row else "RUNNING"
    double.says("squeue", {"out": f"42|{state}|1:00|None|10:00|2|{gres}|my|job\n"})
    double.says("sacct", {"out": row})
    found = queued(Slurm(double.env()), ["42"])["42"]
    assert (found.state, found.name, found.gpu_s) == (state, "my|job", seconds)


@pytest.mark.parametrize(("answer", "why"), [({}, "Slurm knows no such job"), (None, "Slurm does not answer")])
def test_a_job_that_nobody_knows_is_not_read(world, answer, why):
    watcher = world.watcher(once=True)
    watcher.ask_queue = lambda _ids: answer
    watcher.verify = lambda _subject: None
    watcher.add(Subject("1", "job", Track(world.now)))
    watcher.round(world.now)
    assert why in watcher.subjects[0].unread
    assert watcher.code == 10


def test_what_was_noted_is_shown_once_there_is_a_verdict(world):
    shown = []
    watcher = world.watcher("a")
    watcher.show = lambda _subject, entries: shown.append([e.event for e in entries])
    world.passes(watcher, 300)
    assert shown == [["begin", "verified"]]
    world.stands["a"] = world.now
    world.passes(watcher, 200)
    assert shown[-1][-1] == "problem"


@pytest.mark.parametrize(
    ("text", "seconds"), [("4:05", 245), ("3:04:05", 11045), ("2-00:00:01", 172_801), ("UNLIMITED", None)]
)
def test_the_time_that_is_left_is_read(text, seconds):
    assert seconds_of(text) == seconds


def test_what_is_watched_is_told_by_its_form(tmp_path):
    assert subject_of("4242", 0.0, tmp_path).kind == "job"
    assert subject_of(".", 0.0, tmp_path).kind == "folder"
    assert subject_of("https://wandb.ai/team/vit/runs/abcd", 0.0, tmp_path).run == ("team", "vit", "abcd")
    with pytest.raises(SettingsError, match="no run"):
        subject_of("nonsense", 0.0, tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SettingsError, match=r"notes\.txt is a file; give the wandb/ folder"):
        subject_of("notes.txt", 0.0, tmp_path)
