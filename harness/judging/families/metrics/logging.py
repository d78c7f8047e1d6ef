"""Rules for the family metrics, third part: how the script logs; never a row, too few, or to somebody else."""

import re
import shlex
from collections.abc import Iterator, Mapping

from harness.evidence.models import Evidence
from harness.judging.duplicates import listed
from harness.judging.frameworks import FRAMEWORKS, logs_to_wandb
from harness.judging.metric_names import close_names
from harness.judging.metric_series import all_series, judged, main_run, number, rows, series
from harness.judging.rule import Hit, Rule
from harness.judging.view import find_lines, script_note

_TOO_FEW = (
    r"number of training batches \((\d+)\) is smaller than the logging interval Trainer\(log_every_n_steps=(\d+)\)"
)
STRATEGIC = ("transformers", "trl")
"""Frameworks whose `logging_strategy` counts more than their interval."""
SWITCHED_OFF = 'logging_strategy="no" switches the logging of the training off'


def _lacking(evidence: Evidence) -> dict[str, str]:
    """Checks that fail for want of points, by the metric that lacks them."""
    found: dict[str, str] = {}
    for key in judged(evidence):
        view = series(evidence, key)
        if view is None or not view.usable:
            found[key] = f"test_series_is_present[{key}]"
        elif view.count < evidence.request.expect_points:
            found[key] = f"test_series_has_every_point[{key}]"
    return found


def rows_merged(evidence: Evidence) -> Iterator[Hit]:
    """One row, by a script whose every log() leaves its row open or writes to the same step."""
    never, same = script_note(evidence, "log_never_commits"), script_note(evidence, "log_always_same_step")
    note, lacking = never or same, _lacking(evidence)
    if note is None or main_run(evidence) is None or rows(evidence) > 1 or not lacking:
        return
    epochs = len({e.epoch for e in evidence.job.output.epochs}) if evidence.job else 0
    printed = (f"The output tells of {epochs} epochs.",) if epochs > 1 else ()
    count = rows(evidence)
    seen = f"The run has {count} row{'s' if count != 1 else ''}."
    why = "Every log() of the script has commit=False" if never else "Every log() of the script has the same step"
    observed = (f"{why}: {evidence.request.job_path}, line {note.line}: {note.text}", seen, *printed)
    values = {"cause": "commit=False" if never else "the same step=", "line": str(note.line)}
    yield Hit(id="metric-rows-merged", observed=observed, values=values, fails=tuple(lacking.values()))


def too_seldom(evidence: Evidence) -> Iterator[Hit]:
    """A framework that logs to W&B every so many steps, in a training that has hardly more."""
    look, lacking = evidence.setup.script if evidence.setup else None, _lacking(evidence)
    if look is None or not lacking or main_run(evidence) is None:
        return
    if evidence.job is None or evidence.job.ending != "completed":
        return
    told = re.search(_TOO_FEW, "\n".join(find_lines(evidence, _TOO_FEW, limit=1)))
    for name in look.frameworks:
        interval = FRAMEWORKS[name].interval if logs_to_wandb(evidence, name) else None
        if interval is None or (name in STRATEGIC and look.logging_strategy == "epoch"):
            continue
        argument, usual = interval
        every = int(told[2]) if told and name == "lightning" else look.log_every.get(argument, usual)
        steps = _steps(evidence, FRAMEWORKS[name].step)
        off = name in STRATEGIC and look.logging_strategy == "no"
        few = off or (steps is not None and steps // every < evidence.request.expect_points)
        if not (few or (name == "lightning" and (told or (steps is None and not rows(evidence))))):
            continue
        seen = f"The training had {steps} steps" if steps is not None else "The run has no row of the training"
        rhythm = f"it is logged every {every} steps ({argument}{_origin(look.log_every, argument)})"
        observed = (f"{seen}; {SWITCHED_OFF if off else rhythm}.",)
        words = tuple(find_lines(evidence, _TOO_FEW, limit=1))
        suggested = max(1, (steps or every) // max(10, evidence.request.expect_points))
        values = {"argument": argument, "every": str(every), "suggested_every": str(suggested)}
        yield Hit(
            id="metric-logged-too-seldom", observed=(*observed, *words), values=values,
            fails=tuple(lacking.values()),
        )  # fmt: skip
        return


def _origin(given: Mapping[str, int], argument: str) -> str:
    return "" if argument in given else ", the usual value"


def _steps(evidence: Evidence, counter: str) -> int | None:
    """Steps of the training, by the framework's own counter; None where the run does not hold it."""
    view = series(evidence, counter)
    if view is None or not view.usable:
        return None
    last = number(view.last)
    numbers = [value for _, value in view.sketch] + ([] if last is None else [last])
    return int(max(numbers)) if numbers else None


def tensorboard_not_synced(evidence: Evidence) -> Iterator[Hit]:
    """Metrics were given to TensorBoard's writer, and the run was not told to read along."""
    setup, lacking = evidence.setup, _lacking(evidence)
    look = setup.script if setup else None
    if look is None or "tensorboard" not in look.frameworks or main_run(evidence) is None or not lacking:
        return
    switched = setup.place.variables.get("WANDB_SYNC_TENSORBOARD", "").lower() in ("1", "true") if setup else False
    synced = "tensorboard" in look.attached or switched
    logged = [key for key in all_series(evidence) if not key.startswith("_")]
    missed = [judged(evidence)[key] for key in lacking]
    there = [n for n in missed if n in look.scalars or (not synced and close_names(n, look.scalars))]
    if logged and not there:
        return  # some of it came through, and what is missing is not in TensorBoard either
    named = f": {listed(look.scalars)}" if look.scalars else ""
    late = ("sync_tensorboard is on, but only a writer that is made after wandb.init() is read.",) if synced else ()
    observed = (
        f"{evidence.request.job_path} writes with SummaryWriter{named}.",
        "The run holds none of it." if not logged else f"The run lacks {listed(missed)}.",
        *late,
    )
    python = setup.python if setup else None
    installed = python is not None and "tensorboard" in python.packages
    called = shlex.quote((python.executable if python else None) or "python")
    values = {"install": "" if installed else f"{called} -m pip install tensorboard"}
    yield Hit(id="metric-tensorboard-not-synced", observed=observed, values=values, fails=tuple(lacking.values()))


RULES: tuple[Rule, ...] = (rows_merged, too_seldom, tensorboard_not_synced)
