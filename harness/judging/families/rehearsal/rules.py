"""Rules for the family: rehearsal."""

import re
from collections.abc import Iterator

from harness.evidence.models import Attempt, Evidence
from harness.judging.rehearsals import (
    COST,
    cases,
    doubled,
    ended_badly,
    gap,
    held_up_s,
    in_flight,
    lost,
    same_run,
    stepped_back,
    survived,
    synced_twice,
    trained_anew,
)
from harness.judging.rule import Hit, Rule

WAITS = (("init", "reh-init-blocks"), ("finish", "reh-finish-blocks"), ("atexit", "reh-finish-blocks"))
"""Parts of the names of the SDK's functions in which a job hangs; every other one is a wait in the training."""
_OF_SDK = re.compile(r"[a-z0-9]{8}")
"""An id that the SDK makes where none is given."""
_FRAME = re.compile(r"(?P<file>.+), line (?P<line>\d+) in (?P<name>\S+)")


def _functions(attempt: Attempt) -> list[str]:
    """The functions of the SDK in which the script hung, the one that it called first; none where it hung elsewhere."""
    named = [match for frame in attempt.stuck if (match := _FRAME.fullmatch(frame))]
    return [match["name"] for match in reversed(named) if "/wandb/" in match["file"]]


def _line(attempt: Attempt) -> str:
    """The innermost line of the user's own code."""
    own = (frame for frame in attempt.stuck if not re.search(r"/(?:site|dist)-packages/|/lib/python\d", frame))
    return next(own, "")


def _init_failed(attempt: Attempt) -> bool:
    """Whether init raised an error that nothing handled; some SDKs let the process hang after that (seen with 0.25)."""
    return not attempt.rows and any("CommError" in error.exception for error in attempt.errors)


def hangs(evidence: Evidence) -> Iterator[Hit]:
    """The job still hung when its time was over: the stack of its Python says in which call."""
    for case in cases(evidence, "outage"):
        attempt = case.attempts[0]
        if not attempt.over_limit or _init_failed(attempt):
            continue
        called = _functions(attempt)
        seen = (
            f"{case.name}: after {attempt.lasted_s:.0f} s it still waited in {called[0] if called else 'its own code'}"
        )
        found = next((name for part, name in WAITS if any(part in one for one in called)), "reh-loop-waits")
        line = _line(attempt)
        if not called:  # it trains, and is late
            yield Hit(id="reh-held-up", observed=(seen,), severity="error", fails=("test_training_survives_an_outage",))
            continue
        yield Hit(
            id=found, observed=(seen, *([line] if line else [])), values={"where": called[0]}
        )  # fmt: skip


def ends(evidence: Evidence) -> Iterator[Hit]:
    """The job ended with an error of the SDK's, in init or later."""
    for case in cases(evidence, "outage"):
        attempt = case.attempts[0]
        if survived(case) or (attempt.over_limit and not _init_failed(attempt)):
            continue
        last = sorted(attempt.errors, key=lambda e: (e.rank is None, e.line), reverse=True)
        told = next((e for e in last if "wandb" in e.exception), None) or next(iter(last), None)
        words = f"{told.exception}: {told.message}"[:300] if told else ended_badly(attempt) or ""
        began = any(run for run in attempt.run_ids) and attempt.rows > 0
        hung = ("The process then hung at its end.",) if attempt.over_limit else ()
        yield Hit(id="reh-call-raises" if began else "reh-init-raises", observed=(f"{case.name}: {words}", *hung))


def loses(evidence: Evidence) -> Iterator[Hit]:
    """The training went on, and what it logged is nowhere, or stays on the disk."""
    for case in cases(evidence, "outage"):
        if not survived(case) or (problem := lost(case)) is None:
            continue
        said: tuple[str, ...] = ()
        if case.missing_count:
            found, said = "reh-sync-fails", case.sync.output[-1:] if case.sync else ()
        elif (case.rows_on_disk or case.rows_on_server) and not case.attempts[0].ended_in_order:
            found = "reh-ends-without-finish"
        else:
            found = "reh-goes-on-without-run"
        yield Hit(id=found, observed=(f"{case.name}: {problem}", *said))


def synced(evidence: Evidence) -> Iterator[Hit]:
    """What must be done by hand after an outage, where that brings everything."""
    brought = [c for c in cases(evidence, "outage") if c.sync and survived(c) and lost(c) is None]
    if brought:
        seen = tuple(f"{c.name}: {c.rows_on_server} of {c.rows_on_disk} rows before wandb sync" for c in brought[:4])
        yield Hit(id="reh-needs-sync", observed=seen)
    if doubled_rows := [c for c in brought if synced_twice(c)]:
        seen = tuple(f"{c.name}: {synced_twice(c)} rows are there twice" for c in doubled_rows[:4])
        yield Hit(id="reh-sync-doubles", observed=seen)


def delays(evidence: Evidence) -> Iterator[Hit]:
    """The training went on, but GPUs stood idle meanwhile."""
    slow = [c for c in cases(evidence, "outage") if survived(c) and held_up_s(c) > max(15.0, c.undisturbed_s / 2)]
    if slow:
        seen = tuple(f"{c.name}: {held_up_s(c):.0f} s longer than undisturbed" for c in slow[:4])
        yield Hit(id="reh-held-up", observed=seen)


def restarts(evidence: Evidence) -> Iterator[Hit]:
    """The second start failed, or did not continue the run."""
    arguments = evidence.rehearsals.init_arguments if evidence.rehearsals else {}
    for case in cases(evidence, "requeue"):
        last = case.attempts[-1]
        yield from _failed(last)
        if same_run(case):
            continue
        ids = ", ".join(dict.fromkeys(run for attempt in case.attempts for run in attempt.run_ids))
        begins = (COST,) if trained_anew(case) else ()
        if given := arguments.get("id"):
            yield Hit(id="reh-id-changes", observed=(f"The script's id is {given}; its runs are {ids}.", *begins))
        elif not all(map(_OF_SDK.fullmatch, last.run_ids)):
            yield Hit(id="reh-id-changes", observed=(f"The job gives ids of its own; its runs are {ids}.", *begins))
        else:
            yield Hit(id="reh-new-run", observed=(f"Nothing gives the run an id; its runs are {ids}.", *begins))


def _failed(last: Attempt) -> Iterator[Hit]:
    bad = ended_badly(last)
    if not bad:
        return
    told = next(iter(last.errors), None)
    words = f"{told.exception}: {told.message}"[:300] if told else bad
    if re.search(r"Attempted to change value of key", words):
        yield Hit(id="reh-config-changes", observed=(words,))
    else:
        yield Hit(id="reh-second-start-fails", observed=(words,))


def repeats(evidence: Evidence) -> Iterator[Hit]:
    """Rows are lost or there twice, be it in one run or in several."""
    for case in cases(evidence, "requeue"):
        first, *later = case.attempts
        if ended_badly(later[-1]):
            continue
        after = " and ".join(str(attempt.rows) for attempt in later)
        counts = f"{first.rows} rows before the restart, {after} after it, {case.undisturbed_rows} undisturbed"
        one = same_run(case)
        if one and trained_anew(case):
            yield Hit(id="reh-no-checkpoint", observed=(counts, COST))
        elif one and (said := stepped_back(case)):
            yield Hit(id="reh-step-starts-again", observed=(said, counts), values=_counted_anew(evidence))
        elif one and doubled(case):
            yield Hit(id="reh-rows-doubled", observed=(f"{doubled(case)} rows are there twice", counts))
        elif gap(case):
            told = all(attempt.ended_in_order for attempt in case.attempts[:-1]) or case.how == "kill"
            name = "reh-rows-lost" if told else "reh-sigterm-not-handled"
            yield Hit(id=name, observed=(f"{gap(case)} rows are lost", counts))
        elif gone := in_flight(case):
            yield Hit(id="reh-node-takes-rows", observed=(f"{gone} rows went with the node", counts))


def _counted_anew(evidence: Evidence) -> dict[str, str]:
    """How to mend a count of steps: where the script loads a checkpoint, the SDK can count on by itself."""
    script = evidence.setup.source if evidence.setup else None
    loads = script is not None and re.search(r"\bload(?:_state_dict|s)?\(|\.restore\(", script.text)
    return {"counted_anew": "drop_step" if loads else "sketch"}


def batch_lines(evidence: Evidence) -> Iterator[Hit]:
    """The batch script's own lines decide whether there is a second start, and what is left of the first one."""
    script = evidence.setup.source if evidence.setup else None
    if evidence.request.rehearse not in ("requeue", "all") or not script or evidence.request.job_kind != "batch":
        return
    lines = [line for line in script.text.splitlines() if line.startswith("#SBATCH")]
    mode = next((line for line in lines if "--open-mode" in line), "")
    if lines and not re.search(r"--open-mode[= ]a", mode):
        yield Hit(id="reh-output-overwritten", observed=(mode or "The script has no #SBATCH --open-mode.",))
    if forbids := next((line for line in lines if re.search(r"--no-requeue\b", line)), None):
        yield Hit(id="reh-no-requeue", observed=(forbids,))


RULES: tuple[Rule, ...] = (hangs, ends, loses, synced, delays, restarts, repeats, batch_lines)
