"""Rules of the family metrics: each names its fault from the series, and is silent on the healthy neighbour."""

import re

import pytest

from harness.evidence.models import EpochSeen, LogLine, SdkLogs
from harness.judging.families.metrics.rules import RULES
from harness.judging.findings import diagnose
from tests.judging import build as b
from tests.judging.metric_runs import FALLING, online, request


def ids(found):
    return set(b.hits(RULES, found))


HEALTHY = {
    "loss and acc": online({"loss": FALLING, "acc": (30.0, 40.0, 50.0)}),
    "loss each step, acc each epoch": online({"loss": range(12, 0, -1), "acc": {3: 30.0, 7: 40.0, 11: 50.0}}),
    "loss each step, acc each epoch, old SDK": online(
        {"loss": range(12, 0, -1), "acc": {3: 30.0, 7: 40.0, 11: 50.0}}, sdk="0.19.5"
    ),
    "loss each step, acc every fourth from the first on, old SDK": online(
        {"loss": range(12, 0, -1), "acc": {0: 30.0, 4: 40.0, 8: 50.0}}, sdk="0.19.5"
    ),
    "another name that was asked for": online({"train/loss": FALLING}, expect=("train/loss",)),
    "more points than asked for": online({"loss": range(9, 0, -1), "acc": range(9)}, points=2),
    "two equal losses": online({"loss": (2.0, 2.0), "acc": (1.0, 1.0)}, points=2),
    "one half texts: the curve is there": b.evidence(
        request=request(points=2),
        server=b.server(
            b.server_run(
                series={
                    "loss": b.server_series(
                        "loss", count=4, numbers=2, others=2, last="n/a", sketch=((0.0, 3.0), (1.0, 2.0))
                    ),
                    "acc": b.server_series("acc"),
                }
            )
        ),
    ),
    "old SDK, and a server that tells no last value": online(
        {"loss": FALLING, "acc": FALLING},
        sdk="0.24.2",
        server=b.server(
            b.server_run(
                series={k: b.server_series(k, last=None) for k in ("loss", "acc")},
                sdk_version="0.24.2",
            )
        ),
    ),
    "ended badly, after rows": online({"loss": FALLING, "acc": FALLING}, job=b.job(ending="timeout")),
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
    found = b.hits(RULES, online({}))
    assert set(found) == {"metric-missing-key"}
    hit = found["metric-missing-key"]
    assert hit.fails == ("test_series_is_present[loss]", "test_series_is_present[acc]")
    assert hit.values["existing"] == "no metric at all"


EMPTY = b.server(b.server_run(series={}, rows=0, last_step=None))
NOTHING_LOGGED = {
    "log of a job that was killed: rows may have been lost": (
        online({}, local=b.local(b.local_run(log=b.log(status="torn", history_rows=0)))), False,
    ),
    "a job whose run directory was not found": (b.evidence(request=request(), server=EMPTY, local=b.local()), False),
    "a job that Slurm tells no end of": (online({}, job=b.job(ending="unknown")), False),
    "a folder": (
        b.evidence(request=request(source="run_dir"), setup=None, job=None, server=b.server(),
                   local=b.local(b.local_run(log=b.log(history_rows=0)))),
        True,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("found", "told"), NOTHING_LOGGED.values(), ids=NOTHING_LOGGED)
def test_nothing_was_logged_only_where_nothing_can_have_been_lost(found, told):
    assert ("metric-missing-key" in ids(found)) is told


@pytest.mark.parametrize("output", [None, "unknown", "timeout"])
@pytest.mark.parametrize(("state", "closed"), [("finished", True), ("failed", True), ("running", False)])
def test_an_existing_run_without_rows_had_none_if_it_was_closed(state, closed, output):
    run = b.server_run(series={}, rows=0, last_step=None, state=state)
    found = b.evidence(
        request=request(source="run"), setup=None, local=b.local(), server=b.server(run),
        job=b.job(ending=output) if output else None,
    )  # fmt: skip
    assert ("metric-missing-key" in ids(found)) is (closed and output != "timeout")


def test_lost_rows_are_not_a_missing_key():
    assert ids(online({}, disk={"loss": FALLING, "acc": FALLING})) == set()


def test_missing_key_looks_at_other_ranks_runs():
    other = b.local_run(run_id="other", path="/w/run-other", log=b.log(series={"acc": b.disk_series("acc", FALLING)}))
    found = online({"loss": FALLING})
    found = found.model_copy(update={"local": b.local(*found.local.runs, other)})
    assert "acc is in another run of the job: /w/run-other." in b.hits(RULES, found)["metric-missing-key"].observed


@pytest.mark.parametrize(
    ("value", "kind", "mend"),
    [
        (
            {"_type": "histogram", "values": [1], "bins": [0, 1]},
            "a histogram (a tensor of several elements)", 'run.log({"loss": loss.mean().item()})',
        ),
        (
            {"_type": "histogram", "values": [1], "packedBins": {"min": 0, "size": 1, "count": 1}},
            "a histogram (a tensor of several elements)", 'run.log({"loss": loss.mean().item()})',
        ),
        ({"_type": "table-file"}, "an object (table-file)", 'run.log({"loss": …})'),
        ("tensor(2.3)", "a string ('tensor(2.3)')", 'run.log({"loss": float(value)})'),
        (None, "None", "A function without `return` returns None."),
    ],
)  # fmt: skip
def test_not_a_number(value, kind, mend):
    series = {
        "loss": b.server_series("loss", numbers=0, others=3, sketch=(), last=value),
        "acc": b.server_series("acc"),
    }
    found = b.evidence(request=request(), server=b.server(b.server_run(series=series)))
    hit = b.hits(RULES, found)["metric-not-number"]
    assert hit.values["kind"] == kind
    assert ids(found) == {"metric-not-number"}
    assert "test_series_is_present[loss]" in hit.fails
    assert any(mend in text for text in diagnose(found, RULES)[0].advice)


def test_a_run_that_holds_words_alone_has_no_metric():
    hit = b.hits(RULES, online({"note": ("x0", "x1", "x2")}))["metric-missing-key"]
    assert "It has note, and no number in it." in hit.observed


def test_log_refused_its_argument():
    own, sdk = 'File "train.py", line 9, in step', 'File "/v/site-packages/wandb/sdk/wandb_run.py", line 1, in log'
    refused = b.error("TypeError", "wandb.log must be passed a dictionary", frames=(own, sdk))
    failed = b.job(ending="failed", output=b.output("x", errors=(refused,)))
    hit = b.hits(RULES, online({"loss": FALLING, "acc": FALLING}, job=failed))["metric-not-number"]
    assert hit.observed[1:] == (own,)


@pytest.mark.parametrize("word", ["NaN", "Infinity"])
def test_values_that_are_not_finite(word):
    hit = b.hits(RULES, online({"loss": (3.0, word, word), "acc": FALLING}))["metric-nan-loss"]
    assert hit.fails == ("test_series_is_finite[loss]",)
    assert hit.values == {"not_finite": "loss", "first_step": "1"}


@pytest.mark.parametrize("runs", [(), (b.local_run(log=b.log(history_rows=0)),)], ids=["no folder", "lost on disk"])
def test_where_values_ceased_to_be_finite_is_not_known_without_the_disk(runs):
    found = online({"loss": (3.0, "NaN", "NaN"), "acc": FALLING}, local=b.local(*runs))
    assert b.hits(RULES, found)["metric-nan-loss"].values["first_step"] == "some step"


def test_numpy_nan_left_out_by_an_old_sdk():
    found = online({"loss": {0: 3.0}, "acc": (1.0, 2.0, 3.0)}, sdk="0.28.0")
    assert b.hits(RULES, found)["metric-np-nan-dropped"].observed == (
        "loss is in 1 of the 3 rows that hold acc.",
        "The job had wandb 0.28.0.",
        "Print the value before logging: if it says nan, this is the cause.",
    )


@pytest.mark.parametrize("sdk", ["0.28.1", "0.31.0"])
def test_none_is_no_number(sdk):
    loss = b.server_series("loss", count=3, numbers=0, others=3, last=None, sketch=())
    found = b.evidence(
        server=b.server(b.server_run(series={"loss": loss}, sdk_version=sdk)),
        local=b.local(b.local_run(log=b.log(sdk_version=sdk))),
    )
    assert b.hits(RULES, found)["metric-not-number"].values["kind"] == "None"


def test_texts_of_an_old_sdk_were_no_nan():
    loss = b.server_series("loss", count=3, numbers=0, others=3, last="tensor(2.3)", sketch=())
    run = b.server_run(series={"loss": loss, "acc": b.server_series("acc")})
    found = online({}, sdk="0.24.2", server=b.server(run))
    assert ids(found) == {"metric-not-number"}


@pytest.mark.parametrize("nulls", [1, 2])
def test_numpy_nan_written_as_null(nulls):
    loss = b.server_series("loss", count=3, numbers=3 - nulls, others=nulls, last=None, sketch=())
    run = b.server_run(series={"loss": loss, "acc": b.server_series("acc")}, sdk_version="0.24.2")
    log = b.log(sdk_version="0.24.2")
    found = b.evidence(request=request(), server=b.server(run), local=b.local(b.local_run(log=log)))
    assert "metric-np-nan-dropped" in ids(found)
    assert "metric-not-number" not in ids(found)


def test_numpy_nan_left_out_altogether_is_told_by_the_output():
    found = online({"acc": FALLING}, sdk="0.24.2", job=b.job("Epoch 1, Loss: nan"))
    assert b.hits(RULES, found)["metric-np-nan-dropped"].observed == (
        "loss is in 0 of the 3 rows that hold acc.", "The job had wandb 0.24.2.", "Epoch 1, Loss: nan",
    )  # fmt: skip


def test_numpy_nan_now_and_then_is_told_by_the_output():
    values = {"loss": {0: 3.0, 2: 2.0, 5: 1.0}, "acc": range(6)}
    told = ids(online(values, sdk="0.24.2", job=b.job("Epoch 2, Loss: nan")))
    assert told == {"metric-np-nan-dropped"}
    assert ids(online(values, sdk="0.24.2", job=b.job("Epoch 2, Acc: nan%"))) == set()


NO_NUMPY_NAN = {
    "NaN of Python, which old SDKs keep": (
        {"loss": (3.0, "NaN", "NaN"), "acc": FALLING}, ("loss", "acc"), "Epoch 2, Loss: nan", {"metric-nan-loss"},
    ),
    "a metric of another name beside it": (
        {"loss": (3.0, "NaN", "NaN"), "accuracy": FALLING}, ("loss", "acc"), "Epoch 2, Loss: nan",
        {"metric-nan-loss", "metric-missing-key"},
    ),
    "a metric that is no loss": (
        {"loss": FALLING}, ("loss", "lr"), "Epoch 2, Loss: nan", {"metric-missing-key"},
    ),
    "nothing said nan": ({"acc": FALLING}, ("loss", "acc"), "Epoch 2, Loss: 2.0", {"metric-missing-key"}),
}  # fmt: skip


@pytest.mark.parametrize(("held", "expect", "printed", "faults"), NO_NUMPY_NAN.values(), ids=NO_NUMPY_NAN)
def test_a_metric_that_is_missing_for_another_reason(held, expect, printed, faults):
    assert ids(online(held, expect=expect, sdk="0.24.2", job=b.job(printed))) == faults


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
                    lines=(LogLine(file="debug-internal.log", text="handler: ignoring partial history record"),)
                )
            )
        )
    },
}


@pytest.mark.parametrize("words", STEP_WORDS.values(), ids=STEP_WORDS)
def test_steps_that_go_back(words):
    found = b.hits(RULES, online({"loss": FALLING, "acc": FALLING}, **words))
    assert re.search("to step 3|ignoring", found["metric-nonmonotonic-step"].observed[0])


def test_steps_that_go_back_on_the_server():
    run = b.server_run(series={"loss": b.server_series("loss", backward_steps=2), "acc": b.server_series("acc")})
    hit = b.hits(RULES, b.evidence(request=request(), server=b.server(run)))["metric-nonmonotonic-step"]
    assert hit.observed == ("loss: 2 steps go back.",)


def test_short_series():
    job = b.job(output=b.output("x", epochs=(EpochSeen(epoch=1, loss=3.0), EpochSeen(epoch=2, loss=2.0))))
    hit = b.hits(RULES, online({"loss": (3.0, 2.0), "acc": (1.0, 2.0)}, job=job))["metric-short-series"]
    assert hit.fails == ("test_series_has_every_point[loss]", "test_series_has_every_point[acc]")
    assert hit.observed == ("loss has 2 of 3 points.", "acc has 2 of 3 points.", "The job's output shows 2 epochs.")
    assert hit.values["points"] == "2"
    assert hit.values["epochs_seen"] == "epoch 2"


def test_short_series_of_a_run_whose_job_was_not_seen():
    found = online({"loss": (3.0, 2.0), "acc": FALLING}, request=request(source="run"), job=None, local=b.local())
    hit = b.hits(RULES, found)["metric-short-series"]
    assert hit.observed == ("loss has 2 of 3 points.",)
    assert hit.values["epochs_seen"] == "the last row"


def test_rows_lost_on_the_way_are_no_short_series():
    assert ids(online({"loss": (3.0,), "acc": (1.0,)}, disk={"loss": FALLING, "acc": FALLING})) == set()


def test_flat_loss():
    assert ids(online({"loss": (2.3, 2.3, 2.3), "acc": FALLING})) == {"metric-constant"}


def test_died_in_its_first_epoch():
    found = online({}, job=b.job(ending="timeout"))
    assert ids(found) == {"metric-epoch-granularity"}
    assert ids(found.model_copy(update={"local": b.local()})) == {"metric-epoch-granularity"}


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
