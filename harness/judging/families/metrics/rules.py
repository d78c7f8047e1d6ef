"""Rules for the family metrics: what was logged, and what of it is missing, short, or no number."""

import re
from collections.abc import Iterator, Mapping, Sequence

from harness.evidence.models import Evidence, LocalRun
from harness.judging.advice import job_sdk_version
from harness.judging.catalogue import version_key
from harness.judging.duplicates import listed
from harness.judging.families.metrics import logging as metrics_logging
from harness.judging.families.metrics import reader as metrics_reader
from harness.judging.metric_series import (
    SeriesView,
    all_series,
    dropped_rows,
    judged,
    main_run,
    near,
    rows,
    series,
    where_to_look,
)
from harness.judging.rule import Hit, Rule
from harness.judging.view import SDK_FRAME, main_local_run, main_server_run, python_errors, said, unread

NAN_FIXED = (0, 28, 1)
"""The first SDK that keeps NaN of numpy's float32 and float16."""


def present(evidence: Evidence) -> dict[str, SeriesView]:
    """Return the expected metrics that exist, by what was asked for: a name, or a role that a series plays."""
    found = {key: series(evidence, key) for key in judged(evidence)}
    return {key: view for key, view in found.items() if view is not None}


def names(found: Mapping[str, SeriesView]) -> tuple[str, ...]:
    """The names of the series themselves."""
    return tuple(view.key for view in found.values())


def each(check: str, keys: Sequence[str]) -> tuple[str, ...]:
    """Name a check once for each of these metrics."""
    return tuple(f"{check}[{key}]" for key in keys)


def missing_key(evidence: Evidence) -> Iterator[Hit]:
    """A metric that was expected has another name here, or is logged nowhere."""
    if main_run(evidence) is None:
        return
    existing = [key for key, view in all_series(evidence).items() if view.usable]
    asked, logged = judged(evidence), all_series(evidence).keys() | all_series(evidence, "disk").keys()
    failing = {name: role for role, name in asked.items() if name not in logged}
    missing = list(failing)
    if not missing:
        yield from _printed_only(evidence, existing)
        return
    words = sorted(key for key in logged if not key.startswith("_")) if not existing else []
    if not (existing or words or _logged_nothing(evidence)):
        return
    close = {key: near(evidence, key) for key in missing}
    if dropped_rows(evidence):  # they may be in rows that were dropped: of those only a name like theirs is missing
        missing = [key for key in missing if close[key]]
        if not missing:
            return
    likely = sorted({name for names in close.values() for name in names})
    suggested = [close[k][0] if close.get(k) else k for k in asked.values()]
    have = f"It has {listed(existing, 8)}." if existing else "It has no metric at all: run.log() was never reached."
    have = f"It has {listed(words, 8)}, and no number in it." if words else have
    observed = [f"The run has no metric named {listed(missing)}.", have]
    observed += _kept_elsewhere(evidence, missing)
    if elsewhere := _on_another_rank(evidence, missing):
        observed.append(elsewhere)
    yield Hit(
        id="metric-missing-key",
        observed=tuple(observed),
        values={
            "missing": listed(missing),
            "first_missing": missing[0],
            "missing_names": " ".join(missing),
            "existing": listed(existing, 8) or "no metric at all",
            "close": listed(likely) or "none of them",
            "suggested": ",".join(dict.fromkeys(suggested)),
            "renames": " ".join(f"{close[key][0]}={key}" for key in missing if close[key]),
            "expect_there": ",".join(name for name in asked.values() if name not in missing),
        },
        fails=each("test_series_is_present", [failing[name] for name in missing]),
    )


def _printed_only(evidence: Evidence, existing: Sequence[str]) -> Iterator[Hit]:
    """A remark on an accuracy that the output tells and the run has not, where nobody asked for one by name."""
    printed = [e for e in evidence.job.output.epochs if e.acc is not None] if evidence.job else []
    if evidence.request.expect_auto and printed and "acc" not in judged(evidence):
        observed = f"The output says Accuracy: {printed[0].acc:g}%; the run has {listed(existing, 8) or 'no metric'}."
        values = {
            **dict.fromkeys(("missing", "first_missing", "missing_names"), "acc"),
            "existing": listed(existing, 8) or "no metric at all",
            "close": "none of them", "suggested": ",".join((*judged(evidence).values(), "acc")),
        }  # fmt: skip
        yield Hit(id="metric-missing-key", observed=(observed,), values=values, fails=(), severity="info")


def _kept_elsewhere(evidence: Evidence, missing: Sequence[str]) -> list[str]:
    """Where a value of that name is, if not among the rows: a summary or a config holds one value and no curve."""
    run = main_run(evidence)
    summary = run.log.summary if isinstance(run, LocalRun) else run.summary if run else {}
    config = run.log.config if isinstance(run, LocalRun) else run.config if run else {}
    places = {"summary": [k for k in missing if k in summary], "config": [k for k in missing if k in config]}
    told: list[str] = []
    for place, keys in places.items():
        if len(keys) == 1:
            told.append(f"{keys[0]} is there, but it is only in the {place}: log it too.")
        elif keys:
            told.append(f"{listed(keys)} are there, but they are only in the {place}: log them too.")
    return told


def _logged_nothing(evidence: Evidence) -> bool:
    """Whether the job ended well and neither disk nor server holds a row: then nothing was lost, nothing was logged."""
    disk, server, job = main_local_run(evidence), main_server_run(evidence), evidence.job
    source = evidence.request.source
    ended_well = job is None or job.ending == ("completed" if source == "job" else "unknown")
    if disk is not None:
        whole = disk.log.status == "complete" and disk.log.history_rows == 0
    else:  # of a job that was not seen, only a run that was closed tells that nothing was on its way
        whole = source == "run" and server is not None and server.state in ("finished", "failed")
    return whole and ended_well and rows(evidence) == 0


def _on_another_rank(evidence: Evidence, missing: Sequence[str]) -> str | None:
    main = main_run(evidence)
    for run in evidence.local.runs:
        held = [key for key in missing if key in run.log.series]
        if held and run is not main and run.run_id != getattr(main, "id", None):
            return f"{listed(held)} is in another run of the job: {run.path}."
    return None


def not_number(evidence: Evidence) -> Iterator[Hit]:
    """A metric holds texts or objects, or log() was given something that it cannot take."""
    version = version_key(job_sdk_version(evidence) or "")
    # NaN that was not read counts as a text, see `unread`.
    found = {k: v for k, v in present(evidence).items() if not unread(evidence, "internal", f"series:{k}")}.items()
    odd = {k: v for k, v in found if v.others > v.count and (version >= NAN_FIXED or not _null(v))}
    if odd:
        kinds = {key: _kind(evidence, view) for key, view in odd.items()}
        observed = tuple(f"{view.key} holds {view.others} values that are {kinds[key]}." for key, view in odd.items())
        kind, key = next(iter(kinds.values())), names(odd)[0]
        values = {
            "not_number": listed(names(odd)),
            "first_not_number": key,
            "kind": kind,
            "number_mend": _number_mend(key, kind),
            "several": kind if kind == SEVERAL else "",
        }
        fails = (*each("test_series_is_present", list(odd)), *each("test_series_has_every_point", list(odd)))
        yield Hit(id="metric-not-number", observed=observed, values=values, fails=fails)
        return
    for error in python_errors(evidence, r"TypeError$", r"must be passed a dictionary|must be strings"):
        mend = 'Pass a dictionary whose keys are strings to log():\n  run.log({"loss": loss.item()})'
        values = {
            "not_number": "what log() was given", "first_not_number": "loss", "kind": "dictionary",
            "number_mend": mend,
        }  # fmt: skip
        fails = ("test_job_completed", "test_series_is_present", "test_series_has_every_point")
        place = tuple(frame for frame in error.frames if not SDK_FRAME.search(frame))[-1:]
        told = (f"{error.exception}: {error.message}", *place)
        yield Hit(id="metric-not-number", observed=told, values=values, fails=fails)
        return


SEVERAL = "a histogram (a tensor of several elements)"


def _kind(evidence: Evidence, view: SeriesView) -> str:
    disk = main_local_run(evidence)
    types = set(disk.log.series[view.key].types) if disk and view.key in disk.log.series else set()
    last = str(view.last.get("_type", "")) if isinstance(view.last, dict) else ""
    if "histogram" in {*types, last} or "bins" in str(view.last):
        return SEVERAL
    if isinstance(view.last, dict | list):
        return f"an object ({last})" if last else "an object"
    if view.last is None:
        return "None"
    return f"a string ({str(view.last)[:40]!r})"


def _number_mend(key: str, kind: str) -> str:
    if kind == "None":
        look = "check the value that it passes to log(). A function without `return` returns None."
        return f"The script logs None as {key}: {look}"
    if kind == SEVERAL:
        return ""
    if kind.startswith("a string"):
        return f'Convert the string to a number before you log it:\n  run.log({{"{key}": float(value)}})'
    return f'Log the number alone:\n  run.log({{"{key}": …}})'


def not_finite(evidence: Evidence) -> Iterator[Hit]:
    """NaN or infinity among the values."""
    bad = {key: view for key, view in present(evidence).items() if view.non_finite}
    if not bad:
        return
    disk = main_local_run(evidence)
    steps = [disk.log.series[k].first_non_finite_step for k in names(bad) if disk and k in disk.log.series]
    first = min((s for s in steps if s is not None), default=None)
    observed = [f"{v.key}: {v.non_finite} of {v.count} values are NaN or infinite." for v in bad.values()]
    observed += said(evidence, r"(?i)\bloss\b\W+(nan|[+-]?inf)\b", limit=1)
    values = {"not_finite": listed(names(bad)), "first_step": "some step" if first is None else str(first)}
    yield Hit(
        id="metric-nan-loss", observed=tuple(observed), values=values, fails=each("test_series_is_finite", list(bad))
    )


def numpy_nan_dropped(evidence: Evidence) -> Iterator[Hit]:
    """An old SDK left NaN out: the key is missing from rows that another metric of the same call has."""
    version = job_sdk_version(evidence)
    if version is None or version_key(version) >= NAN_FIXED or main_run(evidence) is None:
        return
    found = present(evidence)
    full = max(found.values(), key=lambda v: v.count, default=None)
    if full is None:
        return
    gone = {k for k, v in found.items() if _null(v) or _breaks_off(v, full)}
    holes = {k for k, v in found.items() if _has_holes(v, full)} | (set(judged(evidence)) - set(found))
    dropped = [k for k in judged(evidence) if k in gone or (k in holes and _printed_nan(evidence, k))]
    if not dropped:
        return
    counts = {key: found[key].count if key in found else 0 for key in dropped}
    called = judged(evidence)
    observed = [f"{called[key]} is in {n} of the {full.count} rows that hold {full.key}." for key, n in counts.items()]
    printed = dict.fromkeys(line for key in dropped for line in _printed_nan(evidence, key))
    hint = printed or ("Print the value before logging: if it says nan, this is the cause.",)
    yield Hit(
        id="metric-np-nan-dropped",
        observed=(*observed, f"The job had wandb {version}.", *hint),
        values={"dropped": listed([called[k] for k in dropped]), "first_dropped": called[dropped[0]]},
        fails=(*each("test_series_has_every_point", dropped), *each("test_series_is_present", dropped)),
    )


def _printed_nan(evidence: Evidence, key: str) -> tuple[str, ...]:
    """What the job printed where this very metric was NaN: of another one it proves nothing."""
    word = re.search(r"loss|acc", key.lower())
    return said(evidence, rf"(?i)\b{word[0]}(uracy)?\b\W+nan\b", limit=2) if word else ()


def _null(view: SeriesView) -> bool:
    """Whether what is no number is null: the way in which 0.24.2 was seen to write such a NaN."""
    return view.others > 0 and view.last is None


def _breaks_off(view: SeriesView, full: SeriesView) -> bool:
    """Whether a metric is in every row of another up to one, and in none after it: a loss that is NaN stays NaN."""
    own, others = [s for s, _ in view.sketch], [s for s, _ in full.sketch]
    return _has_holes(view, full) and own == others[: len(own)]


def _has_holes(view: SeriesView, full: SeriesView) -> bool:
    """Whether a metric begins in the same rows as another and is then missing from some of its rows.

    A metric that is logged every few steps does so too.
    """
    own, others = [s for s, _ in view.sketch], [s for s, _ in full.sketch]
    bounded = full.count > len(others)
    within = bool(own) and not set(own) - set(others) and own[0] == others[0]
    return view.count < full.count and not bounded and within


def nonmonotonic(evidence: Evidence) -> Iterator[Hit]:
    """The SDK dropped rows whose step went back."""
    said_so = dropped_rows(evidence)
    back = {key: view.backward_steps for key, view in present(evidence).items() if view.backward_steps}
    if not said_so and not back:
        return
    observed = said_so[:3] or tuple(f"{judged(evidence)[key]}: {count} steps go back." for key, count in back.items())
    yield Hit(id="metric-nonmonotonic-step", observed=tuple(line[:300] for line in observed))


def short_series(evidence: Evidence) -> Iterator[Hit]:
    """Fewer points than asked for, and the disk has no more of them than the server."""
    wanted = evidence.request.expect_points
    short = {k: v for k, v in present(evidence).items() if v.usable and v.count < wanted and not _lost(evidence, v)}
    if not short:
        return
    epochs = len({e.epoch for e in evidence.job.output.epochs}) if evidence.job else 0
    observed = [f"{view.key} has {view.count} of {wanted} points." for view in short.values()]
    if epochs:
        observed.append(f"The job's output shows {epochs} epoch{'s' if epochs != 1 else ''}.")
    if evidence.job and evidence.job.ending != "completed":
        observed.append(f"The job ended as {evidence.job.ending}.")
    values = {
        "short": listed(names(short)),
        "points": str(max(v.count for v in short.values())),
        "epochs_seen": f"epoch {epochs}" if epochs else "the last row",
    }
    yield Hit(
        id="metric-short-series",
        observed=tuple(observed),
        values=values,
        fails=each("test_series_has_every_point", list(short)),
    )


def _lost(evidence: Evidence, view: SeriesView) -> bool:
    judged_run = main_server_run(evidence)
    if where_to_look(evidence) != "server" or judged_run is None:
        return False
    own = (run.log.series.get(view.key) for run in evidence.local.runs if run.run_id == judged_run.id)
    return any(found is not None and found.count > view.count for found in own)


def constant(evidence: Evidence) -> Iterator[Hit]:
    """A loss that is the same number in every row."""
    flat = [
        key
        for key, view in present(evidence).items()
        if view.constant and re.search("loss", f"{key} {view.key}", re.IGNORECASE)
    ]
    if flat:
        view = present(evidence)[flat[0]]
        observed = f"{view.key} is {view.sketch[0][1]:.6g} in all of its {view.count} points."
        yield Hit(
            id="metric-constant",
            observed=(observed,),
            values={"constant": listed([present(evidence)[key].key for key in flat])},
        )


def died_in_first_epoch(evidence: Evidence) -> Iterator[Hit]:
    """A run without rows, of a job that ended badly before the end of an epoch."""
    job, disk = evidence.job, main_local_run(evidence)
    if job is None or job.ending in ("completed", "not_submitted", "refused", "pending", "running", "unknown"):
        return
    logged = rows(evidence) or (disk.log.history_rows if disk else 0) or job.output.epochs
    if main_run(evidence) is None or logged:
        return
    observed = f"The job ended as {job.ending}; the run has no row, and the output shows no finished epoch."
    yield Hit(id="metric-epoch-granularity", observed=(observed,), values={"ending": job.ending.replace("_", " ")})


RULES: tuple[Rule, ...] = (
    missing_key, not_number, not_finite, numpy_nan_dropped, nonmonotonic, short_series, constant, died_in_first_epoch,
    *metrics_logging.RULES, *metrics_reader.RULES,
)  # fmt: skip
