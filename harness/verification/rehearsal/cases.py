"""Plays an outage of the server at its moment, and compares in the end what disk and server have."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from harness.evidence.models import Evidence, LocalRun, Rehearsal, Sync
from harness.evidence.models.rehearsal import How, Kind, When
from harness.judging.view import main_local_run
from harness.loopback.faults import Fault
from harness.loopback.server import LoopbackServer
from harness.settings.model import Outage
from harness.targets.process import ProcessGroup
from harness.verification.rehearsal.compare import MOST_MISSING, missing, on_disk, on_server, rows
from harness.verification.rehearsal.play import Stage
from harness.verification.sync import command, sync

SHARE, LONGEST_S = 0.4, 20.0
"""How long the server is gone in the middle: a share of the time in which rows are logged, but no longer than that."""
PATIENCE_S = 60.0
"""So much longer than undisturbed an attempt may take."""
SYNC_S = 60.0
FAULTS: Mapping[str, Fault] = {
    "5xx": Fault(status=503), "silence": Fault(hang=True), "slow": Fault(delay_s=2.0),
    "401": Fault(status=401, message="user is not logged in"),
}  # fmt: skip


@dataclass(frozen=True)
class Undisturbed:
    """The job as it ran before: how long, how many rows, and when, in seconds since its run began."""

    lasted_s: float
    rows: int
    first_s: float
    last_s: float
    first_step: int | None = None
    """Of its first row."""

    @classmethod
    def of(cls, evidence: Evidence) -> "Undisturbed":
        """Read it from the evidence of the job that ran on a good server."""
        job, run = evidence.job, main_local_run(evidence)
        lasted = (job.ended_at or 0.0) - (job.started_at or 0.0) if job else 0.0
        begun = run.log.run.start_time if run and run.log.run else None
        first, last = (run.log.history_first_time, run.log.history_last_time) if run else (None, None)
        if begun is None or first is None or last is None:
            return cls(lasted, 0, 0.0, 0.0)
        every = sum(local.log.history_rows for local in evidence.local.runs)
        points = [series.sketch[0][0] for series in run.log.series.values() if series.sketch] if run else []
        return cls(lasted, every, max(0.0, first - begun), max(0.0, last - begun), min(points, default=None))

    def case(self, kind: Kind, *, how: How | None, when: When | None = None) -> Rehearsal:
        """Return a case of which nothing has been played yet."""
        return Rehearsal(
            kind=kind, when=when, how=how, undisturbed_s=self.lasted_s, undisturbed_rows=self.rows,
            undisturbed_first_step=self.first_step,
        )  # fmt: skip

    def moment(self, share: float) -> float:
        """Seconds after the run's begin at which that share of its time between first and last row has passed."""
        return self.first_s + share * (self.last_s - self.first_s)


@contextmanager
def gone(server: LoopbackServer, how: str) -> Iterator[None]:
    """Meanwhile the server is gone, in that way."""
    if how == "refuse":
        with server.refusing():
            yield
        return
    server.faults.add(FAULTS[how])
    try:
        yield
    finally:
        server.faults.clear()
        server.hang_up()


def outage(stage: Stage, server: LoopbackServer, played: Outage, before: Undisturbed, patience_s: float) -> Rehearsal:
    """Take the server away at its moment; it is back when the moment has passed, or when the job has ended."""
    limit = before.lasted_s + patience_s
    lasts = min(LONGEST_S, SHARE * (before.last_s - before.first_s))
    case = before.case("outage", when=played.when, how=played.how)
    at = {"start": 0.0, "middle": before.moment(0.3), "end": before.moment(0.85)}[played.when]
    struck: list[float] = []
    back: list[float] = []
    seen: list[float] = []
    with ExitStack() as away:

        def strike() -> None:
            struck.append(stage.now())
            away.enter_context(gone(server, played.how))

        def look(_group: ProcessGroup, _since: float) -> bool:
            if not seen and server.store.runs():
                seen.append(stage.now())
            if not struck and seen and stage.now() - seen[0] >= at:
                strike()
            elif played.when == "middle" and struck and not back and stage.now() - struck[0] >= lasts:
                away.close()
                back.append(stage.now())
            return False

        if played.when == "start":
            strike()
        attempt, runs = stage.play(1, limit, look)
    case = case.model_copy(
        update={"attempts": (attempt,), "struck_s": next(iter(struck), None), "back_s": next(iter(back), None)}
    )
    if not struck:
        return case.model_copy(update={"not_played": "the job ended before the moment of the outage came"})
    return compared(case, stage, server, runs, bring=True)


def compared(
    case: Rehearsal, stage: Stage, server: LoopbackServer, runs: Sequence[LocalRun], *, bring: bool
) -> Rehearsal:
    """Say what disk and server have; where the server lacks something, sync it and look again."""
    disk = on_disk(runs)
    stored = server.store.runs()
    lacking = list(missing(disk, on_server(stored)))
    facts: dict[str, object] = {
        "rows_on_disk": sum(run.log.history_rows for run in runs),
        "rows_on_server": rows(stored),
    }
    short = {one.run_id for one in lacking}
    if bring and short:
        wanted = [run for run in runs if run.run_id in short and run.log.history_rows]
        done = sync(wanted, stage.environment, stage.redactor.text, SYNC_S)
        commands = tuple(shlex.join(["wandb", *command(run)]) for run in wanted)
        facts["sync"] = Sync(commands=commands, exit_code=done.exit_code, output=done.output[-20:])
        stored = server.store.runs()
        lacking = list(missing(disk, on_server(stored)))
        facts["rows_after_sync"] = rows(stored)
    facts |= {
        "runs_on_server": tuple(run.name for run in stored),
        "compared": len(disk),
        "missing": tuple(lacking[:MOST_MISSING]),
        "missing_count": len(lacking),
    }
    return case.model_copy(update=facts)
