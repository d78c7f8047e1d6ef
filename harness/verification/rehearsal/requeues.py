"""Plays a requeue: ends the job as Slurm or a failed node does, and starts it again as Slurm does."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass

from harness.evidence.models import Attempt, LocalRun, Rehearsal
from harness.evidence.models.rehearsal import How
from harness.loopback.server import LoopbackServer
from harness.settings.model import Requeue
from harness.targets.process import ProcessGroup
from harness.verification.rehearsal.cases import Undisturbed, compared
from harness.verification.rehearsal.play import Stage

GRACE_S = 10.0
"""Between SIGTERM and SIGKILL; Slurm's KillWait is 30 s."""
WARNED_S = 10.0
"""Between USR1 and SIGTERM: shorter than `--signal=B:USR1@60`, as the job is."""
AFTER: Mapping[Requeue, tuple[float, ...]] = {"sigterm": (0.5,), "kill": (0.5,), "usr1": (0.5,), "twice": (0.3, 0.3)}
"""How much of the training each start does before it is ended; one more start follows."""
NAMES: Mapping[Requeue, How | None] = {"sigterm": None, "kill": "kill", "twice": "twice", "usr1": "usr1"}


@dataclass
class Ending:
    """Ends one start when it has trained for a while."""

    stage: Stage
    how: Requeue
    at_s: float
    """Seconds after its run began."""
    seen: float | None = None
    struck: float | None = None
    ended: float = 0.0
    heard: bool = True
    """Whether any process handles the signal."""

    def look(self, group: ProcessGroup, _since: float) -> bool:
        """Strike when it is time; True once it has ended the job."""
        now = self.stage.now()
        if self.seen is None and self.stage.has_run():
            self.seen = now
        if self.seen is None or now - self.seen < self.at_s:
            return False
        self.struck = now
        if self.how == "kill":
            group.signal_all(signal.SIGKILL)
        elif self.how == "usr1":
            self.heard = group.signal_all(signal.SIGUSR1, without="wandb-core", catching=True) > 0
            group.wait(WARNED_S if self.heard else 0.0)
        group.terminate(0.0 if self.how == "kill" else GRACE_S)
        self.ended = self.stage.now()
        return True

    @property
    def used_s(self) -> float | None:
        """Seconds that the job took to end; None where SIGKILL ended it."""
        used = self.ended - (self.struck or 0.0)
        given = GRACE_S + (WARNED_S if self.how == "usr1" else 0.0)
        return used if used < given and self.how != "kill" else None


def requeue(
    stage: Stage, server: LoopbackServer, how: Requeue, before: Undisturbed, patience_s: float
) -> Rehearsal:  # fmt: skip
    """End the job in its middle in that way, once or twice, and start it again as Slurm does."""
    limit = before.lasted_s + patience_s
    case = before.case("requeue", how=NAMES[how])
    attempts: list[Attempt] = []
    runs: list[LocalRun] = []
    endings: list[Ending] = []
    for number, share in enumerate(AFTER[how]):
        ending = Ending(stage, how, before.moment(0.0) + share * (before.last_s - before.first_s))
        attempt, left = stage.play(number + 1, limit, ending.look, _again(number))
        attempts.append(attempt)
        runs += left
        if ending.struck is None or not ending.heard:
            why = "no process of the job handles USR1" if not ending.heard else (
                "the job ended before the moment of the requeue came")  # fmt: skip
            return case.model_copy(update={"attempts": tuple(attempts), "not_played": why})
        endings.append(ending)
    last, left = stage.play(len(endings) + 1, limit, lambda _group, _since: False, _again(len(endings)))
    case = case.model_copy(
        update={
            "attempts": (*attempts, last), "struck_s": endings[0].struck, "back_s": (*attempts, last)[1].begun_s,
            "grace_used_s": endings[0].used_s,
        }
    )  # fmt: skip
    return compared(case, stage, server, [*runs, *left], bring=False)


def _again(restarts: int) -> Mapping[str, str]:
    """What Slurm tells a job that it has started again."""
    return {"SLURM_RESTART_COUNT": str(restarts)} if restarts else {}
