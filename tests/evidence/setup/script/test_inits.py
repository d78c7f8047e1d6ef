"""The conditions that stand around `wandb.init`, from the script's text."""

import pytest

from harness.evidence.setup.script.inits import script_calls

HELPER = """
import wandb
def start(rank):
    if rank != 0:
        return None
    return wandb.init(project="p", mode="offline")
def main():
    run = start(1)
main()
"""


def calls(tmp_path, text):
    script = tmp_path / "train.py"
    script.write_text(text)
    return script_calls(script)


@pytest.mark.parametrize(
    ("text", "guards", "one_rank"),
    [
        ("import wandb\nwandb.init()", (), False),
        ("import wandb\nif rank == 0:\n    wandb.init()", ("rank == 0",), True),
        ("import wandb\nif rank:\n    pass\nelse:\n    wandb.init()", ("not (rank)",), True),
        ("import wandb\nif args.wandb:\n    wandb.init()", ("args.wandb",), False),
        ("import wandb\nrun = wandb.init() if is_main_process() else None", ("is_main_process()",), True),
        ("import wandb\nif __name__ == '__main__':\n    wandb.init()", (), False),
        ("import wandb\n@rank_zero_only\ndef f():\n    wandb.init()", ("@rank_zero_only",), True),
        ("import wandb\ndef f():\n    wandb.init()\nif rank == 0:\n    f()", ("rank == 0",), True),
        ("import wandb\nwandb.init(mode='online' if rank == 0 else 'disabled')", (), True),
        (HELPER, ("not (rank != 0)",), True),
    ],
)
def test_guards(tmp_path, text, guards, one_rank):
    found = calls(tmp_path, text).inits
    assert [(init.guards, init.on_one_rank) for init in found] == [(guards, one_rank)]


def test_line_arguments_and_finish_are_told(tmp_path):
    found = calls(tmp_path, "import wandb as w\nrun = w.init(project=NAME, dir='x')\nrun.finish()\n")
    assert (found.inits[0].line, found.inits[0].arguments) == (2, {"project": "NAME"})
    assert found.finishes == (3,)


def test_a_shell_script_has_no_calls(tmp_path):
    script = tmp_path / "train.sh"
    script.write_text("#!/bin/bash\nsrun python train.py\n")
    assert not script_calls(script).python
