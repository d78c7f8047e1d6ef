"""What was seen of one job so far, look by look: its signs of life, and when to look again; no clock of its own."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import median

from harness.evidence.models.slurm_states import PAUSED
from harness.judging.live.activity import activity, at_work, silent
from harness.judging.live.life import NONE, Beat, Life
from harness.judging.live.of_evidence import RUNNING, apart
from harness.judging.live.rhythm import gaps_by_step, gaps_of, rhythm
from harness.judging.live.troubles import deadline
from harness.watch.newest import Metrics, Numbers

FIRST_S, LONGEST_S = 5.0, 60.0
"""Seconds between two looks: at first, and of a job that has been watched for long."""
SHARE = 0.05
"""The interval grows with the time that a job has been watched."""
ASLEEP_S = 30.0
"""A look that comes so much later than planned tells that the watcher slept."""
BACK_S = 120.0
"""After an outage the SDK may wait as long as it lasted until it tries again, at most so long."""
KEPT = 200
SAMPLES = 40


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
    cores: int | None = None
    served_at: float | None = None
    """The server's clock when it said so."""

    def by_clock(self, at: float) -> "Look":
        """The same with its times by the watcher's own clock, which showed `at` meanwhile."""
        ahead = at - self.served_at if self.served_at is not None else 0.0

        def here(told: float | None) -> float | None:
            return None if told is None else apart(told, -ahead)

        return replace(
            self, created_at=here(self.created_at), heartbeat_at=here(self.heartbeat_at),
            last_row_at=here(self.last_row_at),
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
        self._metrics = Metrics(SAMPLES)
        self._restarted = begun

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
        self._metrics.add(at, look.system)
        look = replace(look.by_clock(at), system={})
        before, seen_before, self.look, self.looked_at = self.look, self.looked_at, look, at
        if before is not None and (look.rows < before.rows or before.state not in RUNNING):
            # Resumed or started again: its first steps tell nothing of a hang.
            self._rows.clear()
            self._rows_at.clear()
            self._restarted = at
        if look.last_row_at is not None and look.rows > (self._rows.last or 0.0):
            if self._seen_at.last is not None and seen_before is not None:
                self._news.add(seen_before - self._seen_at.last)
            self._rows.add(look.rows)
            self._rows_at.add(look.last_row_at)
            self._seen_at.add(at)

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
            self._restarted = at
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
        steps = self._steps(look)
        samples = self._metrics.by_key()
        doing, seen = activity(samples, steps.last_at or look.created_at or self.begun, look.cores)
        times = max(samples.values(), key=len, default=[])
        system = Beat(times[-1][0], rhythm(gaps_of(t for t, _ in times)), len(times)) if times else NONE
        late = look.last_row_at is not None and look.last_row_at < (look.created_at or 0.0) - 1.0
        return Life(
            now=now,
            begun_at=max(look.created_at or self.begun, self._restarted - ASLEEP_S),
            heartbeat=Beat(look.heartbeat_at),
            steps=steps,
            system=system,
            disk=self.disk,
            output=self.output,
            scheduler=self.scheduler,
            activity=doing,
            seen=seen,
            gpus=at_work(samples),
            silent=silent(samples, steps.last_at or 0.0),
            away=tuple(self._away),
            passed_on_s=median(self._news) if self._news else 0.0,
            synced_later=late,
        )

    def _steps(self, look: Look) -> Beat:
        """The rows; a row that is seen to arrive is a sign, however old it is."""
        gaps = gaps_by_step([int(n) for n in self._rows], list(self._rows_at))
        if not gaps and look.rows > 1 and look.created_at is not None and look.last_row_at is not None:
            gaps = (max(0.0, look.last_row_at - look.created_at) / look.rows,)  # all that one look tells
        late = self._seen_at.last if len(self._seen_at) > 1 and look.last_row_at is not None else None
        last = max(look.last_row_at or 0.0, late - LONGEST_S if late is not None else 0.0)
        return Beat(last or None, rhythm(gaps), look.rows)

    def next_look(self, now: float, life: Life | None) -> float:
        """Return when to look again: the less often the longer it is watched, and when a sign of life is due."""
        at = now + min(LONGEST_S, max(FIRST_S, SHARE * (now - self.begun)))
        due = deadline(life) if life else None
        if due is not None:
            at = min(at, max(due + 1.0, now + FIRST_S))
        self.planned_at = at
        return at
