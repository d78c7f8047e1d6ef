"""Which series play the loss and the accuracy of a script whose names nobody knows beforehand."""

import pytest

from harness.evidence.models.job import EpochSeen
from harness.judging.judge import judge
from harness.judging.metric_roles import Candidate, roles_of
from tests.judging import build as b
from tests.judging.metric_runs import FALLING, online, request


def played(*names, points=4, **more):
    few = dict.fromkeys(more.pop("few", ()), 1)
    found = roles_of([Candidate(name, few.get(name, points), usable=True) for name in names], **more)
    return found["loss"], found["acc"]


@pytest.mark.parametrize(
    ("names", "loss", "acc"),
    [
        (["loss", "acc"], "loss", "acc"),
        (["train_loss", "train_acc", "epoch"], "train_loss", "train_acc"),
        (["train/loss", "train/grad_norm", "eval/loss", "eval/accuracy"], "train/loss", "eval/accuracy"),
        (["train_loss_epoch", "val_loss", "val_acc", "trainer/global_step"], "train_loss_epoch", "val_acc"),
        (["training/loss", "validation/accuracy", "validation/nll"], "training/loss", "validation/accuracy"),
        (["Loss/train", "Accuracy/train"], "Loss/train", "Accuracy/train"),
        (["Train Loss", "Val Accuracy (%)", "$cost"], "Train Loss", "Val Accuracy (%)"),
        (["val_loss", "top1"], "val_loss", "top1"),
        (["train/nll", "lr"], "train/nll", None),
        (["acc", "epoch"], None, "acc"),
        (["rollout/ep_rew_mean", "time/fps", "epoch"], "rollout/ep_rew_mean", None),
        (["epoch", "lr", "trainer/global_step"], "loss", None),
        ([], "loss", None),
    ],
)
def test_roles_are_found_by_name(names, loss, acc):
    assert played(*names) == (loss, acc)


def test_of_two_losses_the_one_with_more_points_is_judged():
    assert played("train/train_loss", "train/loss", few=["train/train_loss"])[0] == "train/loss"


def test_a_training_loss_that_the_script_logs_by_name_is_meant_although_only_that_of_the_evaluation_arrived():
    assert played("val_loss", "val_acc", scripted=("train_loss", "val_loss")) == ("train_loss", "val_acc")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train_loss", "acc"], ("loss", "acc")),
        (["loss", "accuracy"], ("loss", "acc")),
        (["train_loss", "train_acc"], ("train_loss", "train_acc")),
        (["loss"], ("loss", None)),
    ],
)
def test_in_the_output_of_the_guides_script_one_name_beside_the_guides_other_was_renamed_by_mistake(names, expected):
    assert played(*names, guided=True) == expected


def auto(series, **change):
    return online(series, request=request(points=3, expect_auto=True), **change)


def outcome(verdict, check):
    return next(c.outcome for c in verdict.checks if c.name.endswith(f"::{check}"))


def test_what_plays_the_loss_is_judged_in_its_place():
    verdict = judge(auto({"train/loss": FALLING, "lr": (0.1, 0.1, 0.1)}))
    assert outcome(verdict, "test_series_is_present[loss]") == "passed"
    assert outcome(verdict, "test_series_has_every_point[loss]") == "passed"
    assert outcome(verdict, "test_series_is_present[acc]") == "not_applicable"
    assert "metric-missing-key" not in [f.id for f in verdict.findings]


def test_a_short_series_is_told_by_its_own_name():
    verdict = judge(auto({"train/loss": (1.0,)}))
    found = next(f for f in verdict.findings if f.id == "metric-short-series")
    assert "train/loss" in found.title
    assert outcome(verdict, "test_series_has_every_point[loss]") == "failed"


def test_a_run_that_only_counts_lacks_its_loss():
    verdict = judge(auto({"epoch": FALLING, "lr": FALLING}))
    assert verdict.root_cause == "metric-missing-key"


def test_an_accuracy_that_was_printed_and_never_logged_is_a_remark():
    output = b.output().model_copy(update={"epochs": (EpochSeen(epoch=1, loss=2.0, acc=30.0, line=1),)})
    verdict = judge(auto({"train/loss": FALLING}, job=b.job(output=output)))
    found = [f for f in verdict.findings if f.id == "metric-missing-key"]
    assert [f.severity for f in found] == ["info"]
    assert outcome(verdict, "test_series_is_present[loss]") == "passed"
