"""Rules about how a script logs: rows that merge, intervals that are too long, TensorBoard beside W&B."""

import pytest

from harness.evidence.models import EpochSeen, Place, ScriptLook, ScriptNote
from harness.judging.families.metrics.logging import RULES
from harness.judging.families.metrics.rules import RULES as METRIC_RULES
from tests.judging import build as b
from tests.judging.metric_runs import FALLING, online, request

EPOCHS = b.job("x", output=b.output("x", epochs=tuple(EpochSeen(epoch=n) for n in (1, 2, 3))))
ONE = {"loss": (1.0,), "acc": (50.0,)}
OPEN = (ScriptNote(kind="log_never_commits", line=7, text='run.log({"loss": loss}, commit=False)'),)
SAME = (ScriptNote(kind="log_always_same_step", line=7, text='run.log({"loss": loss}, step=0)'),)


def hit(fault, series, *, setup=None, **change):
    return b.hits(RULES, online(series, setup=b.setup(**(setup or {})), job=EPOCHS, **change)).get(fault)


@pytest.mark.parametrize(("notes", "cause"), [(OPEN, "commit=False"), (SAME, "the same step=")])
def test_rows_merged(notes, cause):
    found = hit("metric-rows-merged", ONE, setup={"script_notes": notes})
    assert found.values == {"cause": cause, "line": "7"}
    assert found.fails == ("test_series_has_every_point[loss]", "test_series_has_every_point[acc]")
    assert found.observed[1:] == ("The run has 1 row.", "The output tells of 3 epochs.")


@pytest.mark.parametrize(("series", "notes"), [(ONE, ()), ({"loss": FALLING, "acc": FALLING}, OPEN)])
def test_rows_that_are_apart(series, notes):
    assert hit("metric-rows-merged", series, setup={"script_notes": notes}) is None


def look(framework="transformers", **change):
    return {"script": ScriptLook(**{"frameworks": (framework,), "attached": (framework,), **change})}


SUMMED_UP = {"train/epoch": (4.0,), "train/global_step": (64.0,)}


def test_logged_too_seldom():
    found = hit("metric-logged-too-seldom", SUMMED_UP, setup=look())
    assert found.observed == (
        "The training had 64 steps; it is logged every 500 steps (logging_steps, the usual value).",
    )
    assert found.values["argument"] == "logging_steps"
    assert found.fails == ("test_series_is_present[loss]", "test_series_is_present[acc]")


def test_logging_that_is_switched_off():
    found = hit(
        "metric-logged-too-seldom", SUMMED_UP, setup=look(logging_strategy="no", log_every={"logging_steps": 5})
    )
    assert found.observed == (
        'The training had 64 steps; logging_strategy="no" switches the logging of the training off.',
    )


@pytest.mark.parametrize(
    "setup",
    [look(log_every={"logging_steps": 5}), look(logging_strategy="epoch"), look("accelerate"), {}],
    ids=["often enough", "once per epoch", "a framework without an interval", "no framework"],
)
def test_a_metric_that_is_missing_for_another_reason(setup):
    assert hit("metric-logged-too-seldom", SUMMED_UP, setup=setup) is None


def test_the_counter_of_a_framework_shows_that_it_logs():
    assert hit("metric-logged-too-seldom", SUMMED_UP, setup=look(attached=()))
    without = {key: values for key, values in SUMMED_UP.items() if key != "train/global_step"}
    assert hit("metric-logged-too-seldom", without, setup=look(attached=())) is None


def test_lightning_says_it_by_itself():
    words = (
        "The number of training batches (16) is smaller than the logging interval Trainer(log_every_n_steps=50)."
        " Set a lower value for log_every_n_steps."
    )
    found = online({"val_loss": FALLING}, setup=b.setup(**look("lightning")), job=b.job(words))
    told = b.hits(RULES, found)["metric-logged-too-seldom"]
    assert (told.values["argument"], told.values["every"]) == ("log_every_n_steps", "50")
    assert told.observed[1] == words


BOARD = look("tensorboard", attached=(), scalars=("Loss/train",))


def test_tensorboard_not_synced():
    found = hit("metric-tensorboard-not-synced", {}, setup=BOARD)
    assert found.observed[0] == "train.py writes with SummaryWriter: Loss/train."
    partly = hit("metric-tensorboard-not-synced", {"lr": FALLING}, setup=BOARD)
    assert partly.fails == ("test_series_is_present[loss]", "test_series_is_present[acc]")


@pytest.mark.parametrize(
    ("series", "setup"),
    [
        ({"Loss/train": FALLING}, look("tensorboard", scalars=("Loss/train",))),
        ({"loss": FALLING, "acc": FALLING}, BOARD),
        ({"lr": FALLING}, {}),
        ({"lr": FALLING}, {**BOARD, "place": Place(variables={"WANDB_SYNC_TENSORBOARD": "true"})}),
    ],
    ids=["synced", "logged to both", "no writer", "synced by a variable"],
)
def test_tensorboard_is_no_reason(series, setup):
    assert hit("metric-tensorboard-not-synced", series, setup=setup) is None


def test_a_writer_that_was_made_too_early_is_not_read():
    found = hit("metric-tensorboard-not-synced", {}, setup=look("tensorboard"))
    assert "made after wandb.init()" in found.observed[-1]


@pytest.mark.parametrize(("place", "word"), [("summary", "summary"), ("config", "config")])
def test_a_missing_metric_may_be_elsewhere(place, word):
    run = b.server_run(series={"loss": b.server_series("loss")}, **{place: {"acc": 50.0}})
    hits = b.hits(METRIC_RULES, b.evidence(server=b.server(run)))
    assert f"acc is there, but it is only in the {word}: log it too." in hits["metric-missing-key"].observed


def test_a_writer_that_was_made_before_the_run_is_not_read_along():
    board = look("tensorboard", scalars=("Loss/train", "Accuracy/train"))
    found = hit(
        "metric-tensorboard-not-synced", {"Accuracy/train": FALLING}, setup=board, request=request(expect_auto=True)
    )
    assert found.observed[1:] == (
        "The run lacks Loss/train.",
        "sync_tensorboard is on, but only a writer that is made after wandb.init() is read.",
    )
