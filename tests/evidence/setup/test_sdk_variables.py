"""Names that are nearly variables of the SDK, compared with those that the installed one reads."""

import sys
from pathlib import Path

import pytest
import wandb

from harness.evidence.models import JobPython
from harness.evidence.setup.sdk_variables import sdk_variables, unread_variables
from tests.in_ci import real_part

HERE = JobPython(executable=sys.executable, wandb_kind="package", wandb_location=wandb.__file__)


def found(*names, script=None, env=()):
    values = dict.fromkeys((*names, *env), "x")
    return {v.name: v.meant for v in unread_variables(values, script, HERE)}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("WANDB_ENTITTY", "WANDB_ENTITY"), ("WANDB_PORJECT", "WANDB_PROJECT"), ("WANDB_PROJET", "WANDB_PROJECT"),
        ("WANDB_APIKEY", "WANDB_API_KEY"), ("WANDB_API_TOKEN", "WANDB_API_KEY"), ("WANDB_MOD", "WANDB_MODE"),
        ("WANBD_PROJECT", "WANDB_PROJECT"), ("WAND_PROJECT", "WANDB_PROJECT"), ("wandb_entity", "WANDB_ENTITY"),
        ("WANDB_BASEURL", "WANDB_BASE_URL"), ("WANDB_GROUP", "WANDB_RUN_GROUP"), ("WANDB_OFFLINE", "WANDB_MODE"),
        ("WANDB_RUNID", "WANDB_RUN_ID"), ("WANDBPROJECT", "WANDB_PROJECT"),
    ],
)  # fmt: skip
def test_a_misspelt_variable(name, meant):
    assert found(name) == {name: meant}


@pytest.mark.parametrize(
    "name",
    [
        "WANDB_ENTITY", "WANDB_RUN_NAME", "WANDB_X_LABEL", "WANDB__LABEL", "WANDB_LOG_MODEL", "WANDB_WATCH",
        "WANDB_DISABLED", "WANDB_CACHE_DIR", "WANDB_SERVICE", "WANDB_SWEEP_PARAM_PATH", "WANDB_CHECKPOINT_FREQUENCY",
        "WANDERLUST", "HOME", "WAND",
    ],
)  # fmt: skip
def test_a_variable_that_is_read_or_is_like_none(name):
    assert found(name) == {}


def test_nothing_is_meant_that_is_set_already():
    assert found("WANDB_ENTITTY", env=("WANDB_ENTITY",)) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('import os\nos.environ["WANDB_PORJECT"] = "vit"', {"WANDB_PORJECT": "WANDB_PROJECT"}),
        ("#!/bin/bash\nexport WANDB_PORJECT=vit\n", {"WANDB_PORJECT": "WANDB_PROJECT"}),
        ("#!/bin/bash\nWANDB_PORJECT=vit srun python train.py\n", {"WANDB_PORJECT": "WANDB_PROJECT"}),
        ('# os.environ["WANDB_PORJECT"] = "vit"', {}),
        ('import os\nos.environ["WANDB_MODELS"] = "x"; p = os.environ["WANDB_MODELS"]', {}),
    ],
)
def test_names_that_the_script_sets(tmp_path, text, told):
    script = tmp_path / "train.py"
    script.write_text(text)
    assert found(script=script) == told


@real_part
def test_a_variable_that_the_script_reads_is_its_own(tmp_path):
    script = tmp_path / "train.py"
    script.write_text('import os\nfolder = os.environ["WANDB_MODELS"]')
    assert found("WANDB_MODELS", script=script) == {}
    assert found("WANDB_MODELS") == {"WANDB_MODELS": "WANDB_MODE"}


@pytest.mark.parametrize("change", [{"wandb_kind": "missing"}, {"wandb_location": "/nowhere/wandb/__init__.py"}])
def test_without_the_sdks_source_nothing_is_said(change):
    python = HERE.model_copy(update=change)
    assert sdk_variables(python) == frozenset()
    assert unread_variables({"WANDB_ENTITTY": "x"}, None, python) == ()


def test_the_list_is_that_of_the_installed_sdk():
    assert {"WANDB_MODE", "WANDB_RUN_GROUP", "WANDB_SWEEP_PARAM_PATH"} <= sdk_variables(HERE)
    assert Path(wandb.__file__).is_file()
