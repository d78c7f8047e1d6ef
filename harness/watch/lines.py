"""A line for each watched job: state, steps, rate, the age of each layer's newest sign, GPUs at work, and time left."""

import time
from collections.abc import Sequence

from harness.evidence.redaction.visible import clean
from harness.judging.live.life import NONE
from harness.judging.live.troubles import waits
from harness.judging.live.words import span
from harness.watch.ledger import Entry
from harness.watch.subjects import Subject

HEADER = ("job", "state", "steps", "rate", "step", "heard", "disk", "output", "GPUs", "left")


def cells(subject: Subject) -> tuple[str, ...]:
    """Return the columns of `HEADER`, as texts; a dash for what is not known."""
    life, left = subject.life, subject.track.time_left_s
    beats = (life.steps, life.heartbeat, life.disk, life.output) if life else (NONE,) * 4
    ages = [life.age(beat) if life else None for beat in beats]
    rhythm = life.steps.rhythm if life else None
    rate = f"{1 / rhythm.median_s:.3g}/s" if rhythm and rhythm.median_s else "–"
    gpus = "{}/{}".format(*life.gpus) if life and life.gpus else "–"
    return (
        clean(subject.name, 60), state_of(subject), f"{subject.steps:,}", rate,
        *(span(age) if age is not None else "–" for age in ages), gpus, span(left) if left is not None else "–",
    )  # fmt: skip


def state_of(subject: Subject) -> str:
    """Say the state in a word or two; a problem comes first."""
    if subject.problem:
        return "PROBLEM"
    if subject.unread:
        return "not read"
    if subject.state == "running" and not subject.steps:
        return "no run yet" if subject.kind == "job" and subject.run is None else "no step yet"
    if subject.state == "running":
        return "waits" if subject.life and waits(subject.life) else "works"
    return subject.state or "not seen yet"


def line(subject: Subject, now: float) -> str:
    """Put a job into one plain line; with its problem, or why it could not be read."""
    name, state, steps, rate, step, heard, disk, output, gpus, left = cells(subject)
    parts = [time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)), name, state, f"{steps} steps"]
    known = (("", rate), ("last step", step), ("heard", heard), ("disk", disk), ("output", output),
             ("GPUs at work", gpus), ("left", left))  # fmt: skip
    parts += [f"{what} {value}".strip() for what, value in known if value != "–"]
    if told := details(subject):
        parts.append(told)
    return "  ".join(parts)


def wrong(subject: Subject) -> bool:
    """Whether there is something that somebody should look at."""
    return bool(subject.problem or subject.unread or (subject.ended and subject.verdict not in ("", "passed")))


def foot(subjects: Sequence[Subject], now: float) -> str:
    """Sum up what was seen, and when: `5 jobs, 1 with a problem, 2 not read; seen at 11:41:32`."""
    problems, unread = sum(bool(s.problem) for s in subjects), sum(bool(s.unread) for s in subjects)
    parts = [f"{len(subjects)} {'job' if len(subjects) == 1 else 'jobs'}"]
    parts += [f"{problems} with a problem"] if problems else []
    parts += [f"{unread} not read"] if unread else []
    return f"{', '.join(parts)}; seen at {time.strftime('%H:%M:%S', time.localtime(now))}"


def details(subject: Subject) -> str:
    """Say what is wrong, or the verdict at the end."""
    if subject.problem:
        return clean(f"{subject.problem}: {subject.words}", 300)
    if subject.unread:
        return clean(subject.unread, 200)
    return f"verdict {subject.verdict}" if subject.ended and subject.verdict else ""


PAST = ("last seen", "id", "name", "state", "steps", "verdict", "GPU-hours", "cause")


def history(entries: Sequence[Entry]) -> str:
    """Put the newest line of each job in the ledger into a table; a dash for what is not known."""
    rows = [PAST, *map(_past, entries)]
    wide = [max(len(row[n]) for row in rows) for n in range(len(PAST))]
    return "".join("  ".join(map(str.ljust, row, wide)).rstrip() + "\n" for row in rows)


def _past(entry: Entry) -> tuple[str, ...]:
    return (
        time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.at)), clean(entry.job, 60), clean(entry.name, 40) or "-",
        entry.state or "not seen", f"{entry.steps:,}", entry.verdict or "-",
        f"{entry.gpu_hours:.2f}" if entry.gpu_hours is not None else "-",
        clean(f"{entry.problem}: {entry.words}", 200) if entry.problem else "-",
    )  # fmt: skip
