"""Rules of the family metrics: each names its fault from the series, and is silent on the healthy neighbour."""

import pytest

from harness.diagnosis.rules.metrics import RULES
from harness.evidence.models import EpochSeen, LogLine, Place, Request, SdkLogs
from harness.evidence.wandb_log.models import RunFacts
from tests.diagnosis import build as b

FALLING = (3.0, 2.0, 1.0)


def request(expect=("loss", "acc"), points=3, **change):
    return Request(
        server="real", job_kind="script", job_path="train.py", nproc=2, expect=expect, expect_points=points, **change
    )


def online(series, *, expect=("loss", "acc"), points=3, disk=None, sdk="0.31.0", **change):
    """A run on the server with these series, the same on disk unless told otherwise."""
    held = {
        k: b.logged(k, v) if not isinstance(v, dict) else b.logged(k, v.values(), v.keys()) for k, v in series.items()
    }
    own = {
        k: b.disk_series(k, v) if not isinstance(v, dict) else b.disk_series(k, v.values(), v.keys())
        for k, v in (series if disk is None else disk).items()
    }
    count = max((s.count for s in held.values()), default=0)
    on_disk = max((s.count for s in own.values()), default=0)
    log = b.log(series=own, history_rows=on_disk, sdk_version=sdk)
    run = b.server_run(series=held, rows=count, sdk_version=sdk, last_step=count - 1)
    return b.evidence(**{
        "request": request(expect, points), "local": b.local(b.local_run(log=log)), "server": b.server(run), **change,
    })  # fmt: skip


def ids(found):
    return set(b.hits(RULES, found))


HEALTHY = {
    "loss and acc": online({"loss": FALLING, "acc": (30.0, 40.0, 50.0)}),
    "loss each step, acc each epoch": online({"loss": range(12, 0, -1), "acc": {3: 30.0, 7: 40.0, 11: 50.0}}),
    "loss each step, acc each epoch, old SDK": online(
        {"loss": range(12, 0, -1), "acc": {3: 30.0, 7: 40.0, 11: 50.0}}, sdk="0.19.5"
    ),
    "another name that was asked for": online({"train/loss": FALLING}, expect=("train/loss",)),
    "more points than asked for": online({"loss": range(9, 0, -1), "acc": range(9)}, points=2),
    "two equal losses": online({"loss": (2.0, 2.0), "acc": (1.0, 1.0)}, points=2),
    "constant accuracy": online({"loss": FALLING, "acc": (10.0, 10.0, 10.0)}),
    "no run at all": b.no_run(),
    "preflight alone": b.not_started(),
}


@pytest.mark.parametrize("found", HEALTHY.values(), ids=HEALTHY)
def test_healthy_runs_are_left_alone(found):
    assert ids(found) == set()


def test_missing_key_names_what_is_there():
    hit = b.hits(RULES, online({"train_loss": FALLING, "acc": FALLING, "lr": FALLING}))["metric-missing-key"]
    assert hit.fails == ("test_series_is_present[loss]",)
    assert hit.values["close"] == "train_loss"
    assert hit.values["suggested"] == "train_loss,acc"
    assert "It has train_loss, acc, lr." in hit.observed


def test_missing_key_where_nothing_was_logged():
    hit = b.hits(RULES, online({}))["metric-missing-key"]
    assert hit.fails == ("test_series_is_present[loss]", "test_series_is_present[acc]")
    assert hit.values["existing"] == "no metric at all"


def test_lost_rows_are_not_a_missing_key():
    assert ids(online({}, disk={"loss": FALLING, "acc": FALLING})) == set()


def test_missing_key_looks_at_other_ranks_runs():
    other = b.local_run(run_id="other", path="/w/run-other", log=b.log(series={"acc": b.disk_series("acc", FALLING)}))
    found = online({"loss": FALLING})
    found = found.model_copy(update={"local": b.local(*found.local.runs, other)})
    assert "acc is in another run of the job: /w/run-other." in b.hits(RULES, found)["metric-missing-key"].observed


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"_type": "histogram", "values": [1], "bins": [0, 1]}, "a histogram (a tensor of several elements)"),
        ({"_type": "table-file"}, "an object (table-file)"),
        ("tensor(2.3)", "a text ('tensor(2.3)')"),
    ],
)
def test_not_a_number(value, kind):
    series = {
        "loss": b.server_series("loss", numbers=0, others=3, sketch=(), last=value),
        "acc": b.server_series("acc"),
    }
    found = b.evidence(request=request(), server=b.server(b.server_run(series=series)))
    hit = b.hits(RULES, found)["metric-not-number"]
    assert hit.values["kind"] == kind
    assert ids(found) == {"metric-not-number"}
    assert "test_series_is_present[loss]" in hit.fails


def test_log_refused_its_argument():
    failed = b.job(
        ending="failed", output=b.output("x", errors=(b.error("TypeError", "wandb.log must be passed a dictionary"),))
    )
    assert "metric-not-number" in ids(online({"loss": FALLING, "acc": FALLING}, job=failed))


@pytest.mark.parametrize("word", ["NaN", "Infinity"])
def test_values_that_are_not_finite(word):
    hit = b.hits(RULES, online({"loss": (3.0, word, word), "acc": FALLING}))["metric-nan-loss"]
    assert hit.fails == ("test_series_is_finite[loss]",)
    assert hit.values == {"not_finite": "loss", "first_step": "1"}


def test_numpy_nan_left_out_by_an_old_sdk():
    found = online({"loss": {0: 3.0}, "acc": (1.0, 2.0, 3.0)}, sdk="0.28.0")
    assert "metric-np-nan-dropped" in ids(found)


def test_none_is_no_number():
    loss = b.server_series("loss", count=3, numbers=0, others=3, last=None, sketch=())
    found = b.evidence(server=b.server(b.server_run(series={"loss": loss})))
    assert b.hits(RULES, found)["metric-not-number"].values["kind"] == "None"


def test_numpy_nan_written_as_null():
    loss = b.server_series("loss", count=3, numbers=1, others=2, last=None, sketch=((0.0, 3.0),))
    run = b.server_run(series={"loss": loss, "acc": b.server_series("acc")}, sdk_version="0.24.2")
    log = b.log(sdk_version="0.24.2")
    found = b.evidence(request=request(), server=b.server(run), local=b.local(b.local_run(log=log)))
    assert "metric-np-nan-dropped" in ids(found)
    assert "metric-not-number" not in ids(found)


def test_numpy_nan_left_out_altogether_is_told_by_the_output():
    found = online({"acc": FALLING}, sdk="0.24.2", job=b.job("Epoch 1, Loss: nan"))
    assert "metric-np-nan-dropped" in ids(found)


def test_newer_sdks_keep_numpy_nan():
    assert "metric-np-nan-dropped" not in ids(online({"loss": {0: 3.0}, "acc": FALLING}, sdk="0.28.1"))


STEP_WORDS = {
    "job output": {
        "job": b.job("wandb: WARNING Tried to log to step 3 that is less than the current step 5. Steps must")
    },
    "internal log": {
        "local": b.local(
            b.local_run(
                sdk_logs=SdkLogs(
                    lines=(
                        LogLine(
                            file="debug-internal.log", level="WARN", text="handler: ignoring partial history record"
                        ),
                    )
                )
            )
        )
    },
}


@pytest.mark.parametrize("words", STEP_WORDS.values(), ids=STEP_WORDS)
def test_steps_that_go_back(words):
    assert "metric-nonmonotonic-step" in ids(online({"loss": FALLING, "acc": FALLING}, **words))


def test_short_series():
    job = b.job(output=b.output("x", epochs=(EpochSeen(epoch=1, loss=3.0), EpochSeen(epoch=2, loss=2.0))))
    hit = b.hits(RULES, online({"loss": (3.0, 2.0), "acc": (1.0, 2.0)}, job=job))["metric-short-series"]
    assert hit.fails == ("test_series_has_every_point[loss]", "test_series_has_every_point[acc]")
    assert hit.observed == ("loss has 2 of 3 points.", "acc has 2 of 3 points.", "The job's output tells of 2 epochs.")
    assert hit.values["points"] == "2"


def test_rows_lost_on_the_way_are_no_short_series():
    assert ids(online({"loss": (3.0,), "acc": (1.0,)}, disk={"loss": FALLING, "acc": FALLING})) == set()


def test_flat_loss():
    assert ids(online({"loss": (2.3, 2.3, 2.3), "acc": FALLING})) == {"metric-constant"}


def test_died_in_its_first_epoch():
    found = online({}, job=b.job(ending="timeout"))
    assert ids(found) == {"metric-epoch-granularity"}


def test_reader_with_the_scan_bug():
    empty = b.server_run(series={}, rows=0, last_step=9)
    found = b.evidence(request=request(), server=b.server(empty, reader_version="0.27.1"))
    assert "metric-reader-scan-bug" in ids(found)
    assert "metric-reader-scan-bug" not in ids(
        found.model_copy(update={"server": b.server(empty, reader_version="0.28.0")})
    )


def test_reader_that_asked_for_joint_rows():
    series = {k: b.server_series(k, sketch=()) for k in ("loss", "acc")}
    run = b.server_run(series=series, system_samples=4)
    assert ids(b.evidence(request=request(), server=b.server(run))) == {"metric-reader-and-semantics"}


def test_reader_that_counted_a_sample():
    found = online({"loss": range(500, 0, -1), "acc": range(500)}, disk={"loss": range(600, 0, -1)})
    assert ids(found) == {"metric-reader-sampling"}


@pytest.mark.parametrize(("since", "expected"), [(5.0, {"metric-reader-too-early"}), (600.0, set())])
def test_read_too_early(since, expected):
    job = b.job().model_copy(update={"ended_at": 2000.0})
    found = online({}, disk={"loss": FALLING, "acc": FALLING}, job=job).model_copy(
        update={"created_at": 2000.0 + since}
    )
    assert ids(found) == expected


@pytest.mark.parametrize("lacking", [{"event_rows": 0}, {"console_lines": 0}])
@pytest.mark.parametrize(("since", "expected"), [(5.0, {"metric-reader-too-early"}), (600.0, set())])
def test_counts_read_too_early(lacking, since, expected):
    log = b.log(system_samples=4, console_lines=6)
    run = b.server_run(detailed=True, **{"event_rows": 4, "console_lines": 6, **lacking})
    job = b.job().model_copy(update={"ended_at": 2000.0})
    found = b.evidence(local=b.local(b.local_run(log=log)), server=b.server(run), job=job, created_at=2000.0 + since)
    found_hits = b.hits(RULES, found)
    assert set(found_hits) == expected
    if expected:
        told = "none of the 4 system samples" if "event_rows" in lacking else "none of the 6 console lines"
        assert told in found_hits["metric-reader-too-early"].observed[1]
        assert bool(found_hits["metric-reader-too-early"].fails) is ("event_rows" in lacking)


def test_rows_behind_after_a_refused_upload_are_lost_not_late():
    log = b.log(history_rows=3)
    local = b.local(b.local_run(log=log, sdk_logs=SdkLogs(http=(b.http(status=403, path="/files/x/file_stream"),))))
    job = b.job().model_copy(update={"ended_at": 2000.0})
    found = online({}, job=job, local=local).model_copy(update={"created_at": 2001.0})
    assert "metric-reader-too-early" not in ids(found)


@pytest.mark.parametrize(("epochs", "expected"), [((1, 2, 1, 2), {"metric-resumed-offset"}), ((1, 2, 3, 4), set())])
def test_resumed_run(epochs, expected):
    found = online({"loss": (4, 3, 2, 1), "acc": (1, 2, 3, 4), "epoch": epochs})
    run = found.local.runs[0]
    log = run.log.model_copy(update={"run": RunFacts(resumed=True, starting_step=2)})
    found = found.model_copy(update={"local": b.local(run.model_copy(update={"log": log}))})
    assert ids(found) == expected


@pytest.mark.parametrize(("first", "expected"), [(0, {"metric-resumed-offset"}), (3, set())])
def test_resumed_run_whose_first_part_was_another_job(first, expected):
    ours = {3 + n: float(first + n) for n in range(3)}
    found = online({"loss": range(6, 0, -1), "acc": range(6), "epoch": range(6)}, disk={"epoch": ours},
                   job=b.job("wandb: Resuming run again1"))  # fmt: skip
    assert ids(found) == expected


def test_ranks_print_their_own_loss():
    epochs = (EpochSeen(epoch=1, loss=3.0), EpochSeen(epoch=1, loss=3.2))
    found = online({"loss": FALLING, "acc": FALLING}, job=b.job(output=b.output("x", epochs=epochs)))
    assert ids(found) == {"metric-rank0-local-only"}


def test_console_off():
    place = Place(host="nid005001", variables={"WANDB_CONSOLE": "off"})
    assert ids(online({"loss": FALLING, "acc": FALLING}, setup=b.setup(place=place))) == {"console-log-missing"}


def test_offline_runs_are_judged_on_disk():
    log = b.log(series={"Loss": b.disk_series("Loss", FALLING), "acc": b.disk_series("acc", FALLING)})
    found = b.evidence(
        request=request(offline=True), local=b.local(b.local_run(offline=True, log=log)), server=b.server()
    )
    assert b.hits(RULES, found)["metric-missing-key"].values["close"] == "Loss"


def test_a_metric_in_rows_that_were_dropped_has_no_other_name():
    words = "wandb: WARNING Tried to log to step 1 that is less than the current step 5."
    dropped = b.evidence(
        request=request(), job=b.job(words), server=b.server(b.server_run(series={"x": b.server_series("x")}))
    )
    assert ids(dropped) == {"metric-nonmonotonic-step"}
