"""The signs of life of one running job, one for each layer, as they were seen at one time."""

from dataclasses import dataclass
from typing import Literal

from harness.judging.live.rhythm import Rhythm

Activity = Literal["working", "aside", "spinning", "busy", "idle", "unknown"]
"""What the machine did since the last step.

working: it computes, reads or writes. aside: the same, but no GPU that is there has any part in it. spinning: every
GPU at 100 %, and its power below that of training. busy: every GPU at 100 %, and nothing tells whether it computes.
idle: neither GPU nor CPU, disk or network at work.
"""


@dataclass(frozen=True)
class Beat:
    """A layer's newest sign of life, in unix seconds, and how often one came before."""

    last_at: float | None = None
    rhythm: Rhythm | None = None
    count: int = 0


NONE = Beat()


@dataclass(frozen=True)
class Life:
    """What is known of a job that is said to run; `now` is the clock that was read with it."""

    now: float
    begun_at: float | None = None
    run: bool = True
    """Whether there is a run yet: a job may be running that has not called `wandb.init()`."""
    where: Literal["server", "disk"] = "server"
    """Where the run is judged."""
    heartbeat: Beat = NONE
    """The server's last word from the SDK."""
    steps: Beat = NONE
    """Rows of `run.log()`, where the run is judged."""
    system: Beat = NONE
    """Samples of system metrics."""
    disk: Beat = NONE
    """Rows in the `.wandb` log; `count` is how many there are."""
    output: Beat = NONE
    """What the job printed."""
    process: Literal["alive", "gone"] | None = None
    """The process that writes the `.wandb` log, where it can be seen from here."""
    scheduler: str | None = None
    """Slurm's state of the job."""
    activity: Activity = "unknown"
    seen: tuple[str, ...] = ()
    """What shows the activity, in words."""
    gpus: tuple[int, int] | None = None
    """How many GPUs were at work in the newest samples, and of how many."""
    silent: tuple[str, ...] = ()
    """GPUs and nodes that were at work before, and are not any more while others are."""
    away: tuple[tuple[float, float], ...] = ()
    """When nobody could look, from and to: the server was away, or the watcher slept."""
    passed_on_s: float = 0.0
    """At least so long rows were on their way to the server in the middle, as far as it was watched."""
    synced_later: bool = False
    """The rows are older than the run: an offline run is being uploaded."""

    def age(self, beat: Beat) -> float | None:
        """Seconds since the newest sign of a layer, without the time in which nobody could look."""
        if beat.last_at is None:
            return None
        unseen = sum(max(0.0, min(end, self.now) - max(start, beat.last_at)) for start, end in self.away)
        return max(0.0, self.now - beat.last_at - unseen)
