"""What was seen of one job so far, look by look: its signs of life, and when to look again; no clock of its own."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from harness.evidence.models.slurm_states import PAUSED
from harness.judging.live.activity import activity, loads_at_work, silent
from harness.judging.live.life import NONE, Beat, Life
from harness.judging.live.of_evidence import RUNNING, apart
from harness.judging.live.rhythm import LONGEST, PAUSE, WARM_UP, Rhythm, gaps_by_step, gaps_of, rhythm
from harness.judging.live.troubles import LATE, UPLOAD_S, deadline, steps_late
from harness.watch.newest import Metrics, Numbers

FIRST_S, LONGEST_S = 5.0, 60.0
"""Seconds between two looks: at first, and of a job that has been watched for long."""
SECONDS_A_JOB = 0.2
"""Of many jobs, each is looked at no oftener than so many seconds for each of them: a look takes half a millisecond."""
SHARE = 0.05
"""The interval grows with the time that a job has been watched."""
ASLEEP_S = 30.0
"""A look that comes so much later than planned tells that the watcher slept."""
BACK_S = 120.0
"""After an outage the SDK may wait as long as it lasted until it tries again, at most so long."""
KEPT = 64
SAMPLES = 24
SEEN = 7
"""Samples after which it is known what the GPUs do while it trains."""
FEWER_S = 600.0
"""After fewer GPUs were at work than before, so long they are looked at more closely."""
SECONDS_A_NUMBER = 0.004
"""System metrics are the bulk of an answer: for each number that all watched runs have together, answers are so many
seconds apart. That is 3 s for a run of 64 GPUs, 90 s for 200 runs of 8, and 11 minutes for 200 runs of 64."""


@dataclass(frozen=True)
class Look:
    """What the server says of a run in one cheap answer; times in unix seconds."""

    state: str
    created_at: float | None = None
    heartbeat_at: float | None = None
    rows: int = 0
    last_row_at: float | None = None
    odd: tuple[str, ...] = ()
    """Metrics whose last value is no finite number."""
    system: Mapping[str, float] = field(default_factory=dict)
    """The newest value of each system metric."""
    numbers: int = 0
    """How many system metrics the answer had, of which `system` are those that tell what the machine does."""
    served_at: float | None = None
    """The server's clock when it said so."""

    def by_clock(self, at: float) -> "Look":
        """What is kept of it: its times by the watcher's own clock, which showed `at` meanwhile."""
        ahead = at - self.served_at if self.served_at is not None else 0.0

        def here(told: float | None) -> float | None:
            return None if told is None else apart(told, -ahead)

        return replace(
            self, created_at=here(self.created_at), heartbeat_at=here(self.heartbeat_at),
            last_row_at=here(self.last_row_at), system={},
        )  # fmt: skip


class Track:
    """The signs of one job, as they were seen."""

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.look: Look | None = None
        self.looked_at: float | None = None
        self.scheduler: str | None = None
        self.time_left_s: float | None = None
        self.disk = NONE
        self.output = NONE
        self.away_since: float | None = None
        self.planned_at: float | None = None
        self._queued_since: float | None = None
        self._away: deque[tuple[float, float]] = deque(maxlen=20)
        self._rows, self._rows_at, self._seen_at = Numbers(KEPT), Numbers(KEPT), Numbers(KEPT)
        """How many rows there were, when the last of them was logged, and when that was seen."""
        self._news = Numbers(KEPT)
        self._gaps: tuple[float, ...] = ()
        """Seconds of a step between those."""
        self._pauses: list[float] = []
        """The longest of those that are kept no more, the longest first."""
        self._unsettled = WARM_UP
        """So many of the next intervals belong to the start, and are no pauses."""
        self._resumed_at = 0.0
        """When steps came again after the last pause."""
        self._metrics = Metrics(SAMPLES)
        self._told_at: float | None = None
        """When the system metrics were asked for."""
        self.numbers = 0
        """How many numbers the system metrics of the run have."""
        self._gpus: tuple[int, int] | None = None
        self._all_work = True
        self._fewer_at: float | None = None
        """When fewer GPUs were at work than before."""
        self._restarted = begun
        self._unheard_s = 0.0
        """The longest silence of the server's heartbeat so far, after which it went on; and that of the steps."""
        self._unstepped_s = 0.0

    def of_the_next_run(self, now: float) -> "Track":
        """Return the track of another run of the same Slurm job."""
        made = Track(now)
        made.scheduler, made.time_left_s, made.output = self.scheduler, self.time_left_s, self.output
        return made

    def take(self, look: Look, at: float) -> None:
        """Take in what the server said at a time."""
        self._wake(at)
        if self.away_since is not None:
            self._away.append((self.away_since, at + min(at - self.away_since, BACK_S)))
            self.away_since = None
        if look.system:
            self._machine(look, at)
        look = look.by_clock(at)
        before, seen_before, self.look, self.looked_at = self.look, self.looked_at, look, at
        if before is not None and (look.rows < before.rows or before.state not in RUNNING):
            self._anew(at)
        elif before and before.heartbeat_at and seen_before and (look.heartbeat_at or 0.0) > before.heartbeat_at:
            self._unheard_s = max(self._unheard_s, self._age(before.heartbeat_at, seen_before))
        if look.last_row_at is not None and look.rows > (self._rows.last or 0.0):
            if self._seen_at.last is not None and seen_before is not None:
                self._news.add(seen_before - self._seen_at.last)
                self._unstepped_s = max(self._unstepped_s, self._age(self._seen_at.last, seen_before))
            self._stepped(look.rows, look.last_row_at, at)

    def _stepped(self, rows: int, last_row_at: float, at: float) -> None:
        """Take in new rows; a pause is kept for longer than other intervals are."""
        if len(self._rows) == KEPT:
            self._forget(self._gaps[:1])
        self._rows.add(rows)
        self._rows_at.add(last_row_at)
        self._seen_at.add(at)
        self._gaps = gaps_by_step(list(self._rows), list(self._rows_at))
        if self._gaps and self._gaps[-1] > max(UPLOAD_S, PAUSE * median(self._gaps)):
            self._resumed_at = last_row_at

    def _forget(self, gaps: Sequence[float]) -> None:
        """Keep of intervals only the longest; the first of all are no measure."""
        settled = gaps[self._unsettled :]
        self._unsettled = max(0, self._unsettled - len(gaps))
        self._pauses = sorted((*self._pauses, *settled), reverse=True)[:LONGEST]

    def _machine(self, look: Look, at: float) -> None:
        self._metrics.add(at, look.system)
        self._told_at, self.numbers, before = at, look.numbers, self._gpus
        self._gpus = loads_at_work(v for k, v in look.system.items() if k.partition("/l:")[0].endswith(".gpu"))
        self._all_work = self._gpus is None or (self._gpus[0] == self._gpus[1] and self._metrics.together)
        if before and self._gpus and self._gpus[0] < before[0]:
            self._fewer_at = at

    def _anew(self, at: float) -> None:
        """Resumed or started again: its first steps tell nothing of a hang."""
        self._rows.clear()
        self._rows_at.clear()
        self._forget(self._gaps)
        self._gaps = ()
        self._seen_at.clear()
        self._restarted = at
        self._unheard_s = self._unstepped_s = 0.0

    def _age(self, sign_at: float, at: float) -> float:
        return Life(now=at, away=tuple(self._away)).age(Beat(sign_at)) or 0.0

    def failed(self, at: float) -> None:
        """Take in that the server could not be asked."""
        self._wake(at)
        if self.away_since is None:
            self.away_since = self.looked_at or at

    def queued(self, state: str | None, at: float) -> None:
        """Take in Slurm's state of the job; after a time in the queue it starts anew."""
        waits = state is not None and state in PAUSED
        if self._queued_since is not None and not waits:
            self._away.append((self._queued_since, at + BACK_S))
            self._anew(at)
        self._queued_since = (self._queued_since or at) if waits else None
        self.scheduler = state

    def _wake(self, at: float) -> None:
        """Note that the watcher slept, where a look comes much later than planned."""
        if self.planned_at is not None and at - self.planned_at > ASLEEP_S:
            self._away.append((self.looked_at or self.planned_at, at + min(at - self.planned_at, BACK_S)))
        self.planned_at = None

    def life(self, now: float) -> Life | None:
        """Return the signs of life at a time; None where the run does not run, or nothing is known of it."""
        look = self.look
        if look is None or self.away_since is not None:
            return None
        # W&B forgets a run after five minutes; a job that waited in the queue comes back.
        if look.state not in RUNNING and not (look.state == "crashed" and self.scheduler == "RUNNING"):
            return None
        late = look.last_row_at is not None and look.last_row_at < (look.created_at or 0.0) - 1.0
        steps, times = self._steps(look), self._metrics.times
        found = Life(
            now=now,
            begun_at=max(look.created_at or self.begun, self._restarted - ASLEEP_S),
            heartbeat=Beat(look.heartbeat_at, Rhythm(0.0, 0.0, self._unheard_s, 0)),
            steps=steps,
            system=Beat(times[-1], rhythm(gaps_of(times[-SEEN:])), len(times)) if times else NONE,
            disk=self.disk,
            output=self.output,
            scheduler=self.scheduler,
            gpus=self._gpus,
            silent=() if self._all_work else self._silent(steps),
            away=tuple(self._away),
            passed_on_s=median(self._news) if self._news else 0.0,
            synced_later=late,
        )
        if not steps_late(found):
            return found
        doing, seen = activity(self._metrics.by_key(), steps.last_at or look.created_at or self.begun)
        return replace(found, activity=doing, seen=seen)

    def _silent(self, steps: Beat) -> tuple[str, ...]:
        return silent(self._metrics.by_key(), steps.last_at or 0.0, self._resumed_at)

    def wants_system(self, now: float, life: Life | None, numbers: int) -> bool:
        """Whether to ask for the system metrics too, where so many numbers of all runs together are asked for.

        They are asked for at each look where something may be wrong, and more often while little is known of them.
        """
        if self._told_at is None or life is None or steps_late(life, LATE):
            return True
        if self._fewer_at is not None and now - self._fewer_at < FEWER_S:
            return True
        share = 1.0 if len(self._metrics.times) >= SEEN else 0.25
        return now - self._told_at >= share * SECONDS_A_NUMBER * numbers

    def _steps(self, look: Look) -> Beat:
        """The rows; a row that is seen to arrive is a sign, however old it is."""
        gaps, anew = self._gaps, self._restarted > self.begun
        if not gaps and not anew and look.rows > 1 and look.created_at is not None and look.last_row_at is not None:
            gaps = (max(0.0, look.last_row_at - look.created_at) / look.rows,)  # all that one look tells
        found = rhythm(gaps, self._pauses)
        late = self._seen_at.last if len(self._seen_at) > 1 and look.last_row_at is not None else None
        last = max(look.last_row_at or 0.0, late - LONGEST_S if late is not None else 0.0)
        return Beat(last or None, found.with_pause(self._unstepped_s) if found else None, look.rows)

    def next_look(self, now: float, life: Life | None, jobs: int = 1) -> float:
        """Return when to look again: the less often the longer it is watched, and when a sign of life is due.

        Of so many jobs that are watched together, each is looked at the less often.
        """
        at = now + min(LONGEST_S, max(FIRST_S, SECONDS_A_JOB * jobs, SHARE * (now - self.begun)))
        due = deadline(life) if life else None
        if due is not None:
            at = min(at, max(due + 1.0, now + FIRST_S))
        self.planned_at = at
        return at
