"""Where the layers of a running job part: which one broke, what shows it, and by which limit; pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.evidence.models.slurm_states import PAUSED, is_final
from harness.judging.live.life import Beat, Life
from harness.judging.live.rhythm import ENOUGH_ROWS, Rhythm
from harness.judging.live.words import sentence, span

HEARTBEAT = Rhythm(30.0, 0.0, 30.0, 0)
"""The SDK gives a sign of life every 30 s, whatever the job does (core/internal/filestream/filestream.go)."""
UPLOAD_S = 15.0
"""Rows reach the server in batches, about so many seconds apart."""
UNTOLD_S = 300.0
"""So long a first pause may last where nothing tells what the machine does; W&B's own measure of a crash."""
STRETCH = 1 / 6
"""Of the time in which steps came, such a share may go to a first pause in which nothing is known of the machine."""
START_S = 1800.0
"""So long a job may rest before its first steps, or do something else than train; it may fetch its data."""
UNEVEN_STEPS = 0.25
"""A run whose steps spread by more than this share may pause as long as where nothing is told of its machine."""
NO_STEPS = "live-no-steps"
FEW = 3
"""Fewer steps make no rhythm."""


@dataclass(frozen=True)
class Trouble:
    """A layer that broke: the fault's id, what was seen, and what the catalogue's words are filled with."""

    id: str
    words: str
    observed: tuple[str, ...]
    values: dict[str, str] = field(default_factory=dict)


def troubles(life: Life) -> tuple[Trouble, ...]:
    """Return what broke while the job runs; empty where all layers agree that it works."""
    if life.scheduler is not None and life.scheduler in PAUSED:
        return ()
    return tuple(_apart(life)) or tuple(_within(life))


def heartbeat(life: Life) -> Rhythm:
    """How often the SDK speaks to the server: each batch of rows or samples is a sign of life too."""
    medians = [beat.rhythm.median_s for beat in (life.steps, life.system) if beat.rhythm and beat.count > FEW]
    usual = max(UPLOAD_S, min((*medians, HEARTBEAT.median_s)))
    silent = life.heartbeat.rhythm.longest_s if life.heartbeat.rhythm else 0.0
    return Rhythm(usual, 0.0, usual, 0).with_pause(silent)


def _apart(life: Life) -> Iterator[Trouble]:
    """The run as the server has it, against the process and the disk."""
    over = life.process == "gone"
    late = _late(life, life.heartbeat, heartbeat(life))
    if over or (late and life.scheduler is not None and is_final(life.scheduler)):
        how = "the process that logs is gone" if over else f"Slurm says {life.scheduler}"
        still = f"Slurm says {life.scheduler}" if over and life.scheduler else "nothing has closed the run"
        words = f"{how}, and {still}"
        yield Trouble("live-process-gone", words, (sentence(words), *_signs(life)))
    elif behind := _behind(life, late):
        yield behind
    elif late:
        words = f"the last heartbeat is {span(life.age(life.heartbeat))} old"
        yield Trouble("live-no-heartbeat", words, (sentence(f"{words}; {late}"), *_signs(life)))


def _behind(life: Life, late: str | None) -> Trouble | None:
    """The disk goes on and the server stands."""
    if life.where != "server" or life.disk.last_at is None:
        return None
    fresh = not _late(life, life.disk, life.disk.rhythm or HEARTBEAT)
    limit = (life.disk.rhythm or HEARTBEAT).at_least(UPLOAD_S).patience_s
    lag = (life.age(Beat(life.steps.last_at or life.begun_at)) or 0.0) - (life.age(life.disk) or 0.0)
    stands = life.disk.count > life.steps.count and lag > limit
    if not (fresh and (late or stands)):
        return None
    words = f"the disk has {life.disk.count:,} rows, the server {life.steps.count:,}"
    told = sentence(f"{words}: its newest row is {span(lag)} older than that on disk (limit {span(limit)})")
    return Trouble("live-not-uploaded", words, (told, *_signs(life)))


def _within(life: Life) -> Iterator[Trouble]:
    """The run is heard of: does it train, and on every GPU?"""
    if hang := _hang(life):
        yield hang
    elif life.silent and not _late(life, life.steps, _passed_on(life)):
        names = ", ".join(life.silent[:8]) + (f" and {len(life.silent) - 8} more" if len(life.silent) > 8 else "")
        words = f"{names}: no activity any more, while others work"
        yield Trouble("live-silent-gpus", words, (f"{words}.",), {"silent": names})


def _hang(life: Life) -> Trouble | None:
    if life.synced_later or life.activity == "working" or not steps_late(life):
        return None
    stepped = life.steps.last_at is not None
    age = life.age(life.steps) if stepped else life.age(Beat(life.begun_at))
    limit, why = _limit(life)
    # What the job prints tells of progress that is not logged.
    printed = life.age(life.output)
    if age is None or age <= limit or (printed is not None and printed <= limit) or _beyond_looks(life, limit):
        return None
    doing = {"spinning": "the GPUs wait for each other", "busy": "every GPU is at 100 %", "idle": "the machine rests"}
    words = f"no step for {span(age)}" if stepped else f"no step since the run began {span(age)} ago"
    if (what := doing.get(life.activity)) is not None:
        words = f"{words}, and {what}"
    told = (sentence(f"{words} (limit {span(limit)}: {why})"), *life.seen, *_signs(life))
    return Trouble(NO_STEPS, words, told, {"stands": words})


def _limit(life: Life) -> tuple[float, str]:
    """How long to wait for the next step, and how that comes about."""
    own, passed_on = life.steps.rhythm or HEARTBEAT, _passed_on(life)
    if life.steps.count < FEW or life.steps.rhythm is None:
        known = life.activity in ("spinning", "idle", "busy")
        return max(passed_on.patience_s, START_S) if known else math.inf, "too few steps came to know its rhythm"
    told = f"a step takes {span(own.median_s)} ± {span(own.spread_s)}, the longest pause was {span(own.longest_s)}"
    if life.activity in ("spinning", "idle"):
        if life.steps.count < ENOUGH_ROWS:
            return max(passed_on.patience_s, UNTOLD_S), f"{told}; only {life.steps.count} steps came yet"
        if own.uneven > UNEVEN_STEPS:
            return max(passed_on.patience_s, UNTOLD_S), f"{told}; steps that spread so far may pause so long"
        return passed_on.patience_s, told
    if life.activity == "aside":
        return max(passed_on.patience_s, START_S), f"{told}; the GPUs rest, and something is done beside them"
    stretch = (life.steps.last_at or 0.0) - life.begun_at if life.begun_at is not None else 0.0
    pause = min(START_S, STRETCH * stretch) if life.activity == "unknown" else 0.0
    return max(passed_on.patience_s, UNTOLD_S, pause), f"{told}; what the machine does is not known"


def _passed_on(life: Life) -> Rhythm:
    """How often steps can be seen: on the server no more often than they are uploaded."""
    own = life.steps.rhythm or HEARTBEAT
    return own.at_least(max(UPLOAD_S, life.passed_on_s)) if life.where == "server" else own


def steps_late(life: Life, intervals: float | None = None) -> bool:
    """Whether the newest step is older than so many intervals, or so old that it counts what the machine does."""
    age, own = life.age(life.steps if life.steps.last_at is not None else Beat(life.begun_at)), _passed_on(life)
    return age is None or age > (own.patience_s if intervals is None else intervals * own.interval_s)


def waits(life: Life) -> bool:
    """Whether steps stay away for longer than they did so far, and nothing shows that the machine works meanwhile."""
    return life.steps.count >= FEW and life.activity != "working" and not life.synced_later and steps_late(life)


def deadline(life: Life) -> float | None:
    """When the next sign of life is due at the latest, in unix seconds: without one, that is when something is said."""
    own = _passed_on(life).patience_s
    limits = [(life.heartbeat, heartbeat(life).patience_s), (life.steps, own), (life.steps, _limit(life)[0])]
    left = [limit - age for beat, limit in limits if (age := life.age(beat)) is not None and age < limit]
    return life.now + min(left) if left else None


LATE = 2.0
"""A sign that is so many of its intervals old is late by its own pace."""
WORTH_WAITING_S = 60.0


def doubt_s(life: Life) -> float | None:
    """Return the seconds after which it is known whether a sign that is late is missing; None where none is late.

    One look tells no more than that it is late: whoever looks but once may wait that long, and look again.
    """
    beats = [(life.heartbeat, heartbeat(life).interval_s, heartbeat(life).patience_s)]
    if life.activity != "working" and life.steps.count >= FEW and not life.synced_later:
        beats.append((life.steps, _passed_on(life).interval_s, _limit(life)[0]))
    left = [limit - age for beat, usual, limit in beats
            if (age := life.age(beat)) is not None and LATE * usual < age <= limit]  # fmt: skip
    return min((s for s in left if s <= WORTH_WAITING_S), default=None)


def _beyond_looks(life: Life, limit: float) -> bool:
    """Whether the system metrics stand too: then the way to the run is cut, and nothing is known of its steps."""
    age, own = life.age(life.system), life.system.rhythm or HEARTBEAT
    return age is not None and life.system.count > FEW and age > max(limit, own.patience_s)


def _late(life: Life, beat: Beat, usual: Rhythm) -> str | None:
    age = life.age(beat)
    limit = usual.patience_s
    return f"one comes every {span(usual.median_s)}, limit {span(limit)}" if age is not None and age > limit else None


def _signs(life: Life) -> Iterator[str]:
    """The age of the newest sign of each layer."""
    known = {
        "heartbeat": life.heartbeat, "step": life.steps, "system metrics": life.system, "row on disk": life.disk,
        "output": life.output,
    }  # fmt: skip
    ages = [f"{name} {span(age)}" for name, beat in known.items() if (age := life.age(beat)) is not None]
    if ages:
        yield f"Last signs: {', '.join(ages)} ago."
