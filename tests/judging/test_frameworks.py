"""Advice in the words of the framework that logs for the script: no command of the SDK that its users never write."""

import re

import pytest

from harness.evidence.models import ScriptLook
from harness.judging.advice import common_values
from harness.judging.catalogue import catalogue
from harness.judging.findings import finding
from harness.judging.frameworks import FRAMEWORKS, in_words_of, logging_framework
from harness.judging.rule import Hit
from tests.judging import build as b

OWN_RUN = [name for name, known in FRAMEWORKS.items() if known.init[0]]


def trained_by(framework, **change):
    look = {"frameworks": (framework,), "attached": (framework,), **change}
    return b.evidence(setup=b.setup(script=ScriptLook(**look)))


@pytest.mark.parametrize("framework", OWN_RUN)
def test_no_command_of_any_advice_makes_a_run_by_hand(framework):
    evidence = trained_by(framework)
    values = common_values(evidence)
    by_hand = r"\bwandb\.init\(" + (r"|\b(?:run|wandb)\.log\(\{" if FRAMEWORKS[framework].log != "run.log(" else "")
    for fault in catalogue():
        for advice in finding(Hit(id=fault, observed=()), evidence, values).advice:
            for line in advice.split("\n")[1:]:
                assert not re.search(by_hand, line), (fault, line)
                assert "{project}" not in line, fault


@pytest.mark.parametrize(
    ("framework", "line", "told"),
    [
        ("lightning", 'run = wandb.init(project="p", id="x")', 'WandbLogger(project="p", id="x")'),
        ("lightning", "if rank == 0: run = wandb.init(a=f(1))", "WandbLogger(a=f(1))"),
        ("lightning", 'run.log({"loss": x})', 'self.log_dict({"loss": x})'),
        ("ignite", "if rank == 0: run = wandb.init(a=1)", "if rank == 0: WandBLogger(a=1)"),
        (
            "accelerate", 'wandb.init(entity="e")',
            'accelerator.init_trackers("mine", init_kwargs={"wandb": dict(entity="e")})',
        ),
        (
            "transformers", 'wandb.init(id="x", settings=wandb.Settings(finish_timeout=300))',
            'os.environ.update(WANDB_RUN_ID="x", WANDB_FINISH_TIMEOUT="300")  # before the framework is imported',
        ),
        ("skorch", 'run = wandb.init(project="p")', 'run = wandb.init(project="p")'),
        (None, "run = wandb.init()", "run = wandb.init()"),
    ],
)  # fmt: skip
def test_a_line_as_the_users_of_a_framework_write_it(framework, line, told):
    assert in_words_of(framework, f"Do it:\n  {line}", "mine").split("\n")[1].strip() == told


def test_a_sentence_stays():
    assert in_words_of("lightning", "wandb.init() waited.", "p") == "wandb.init() waited."


@pytest.mark.parametrize(
    ("look", "name"),
    [
        ({}, "lightning"),
        ({"attached": ()}, None),
        ({"frameworks": ("trl", "transformers"), "attached": ("trl", "transformers")}, "trl"),
        ({"frameworks": ("tensorboard",), "attached": ("tensorboard",)}, None),
    ],
    ids=["attached", "not attached", "TRL is built on Transformers", "TensorBoard trains nothing"],
)
def test_the_framework_that_logs(look, name):
    assert logging_framework(trained_by("lightning", **look)) == name
