"""A key that stands in the script itself is found; what only looks like one is not."""

import pytest

from harness.evidence.setup.script.names import script_key_line

HEX = "0123456789abcdef" * 2 + "01234567"
LONG = "wandb_v1_" + "aB3_" * 19


@pytest.mark.parametrize(
    "line",
    [
        f"export WANDB_API_KEY={HEX}",
        f"#SBATCH --export=WANDB_API_KEY={HEX}",
        f'wandb.login(key="{LONG}")',
        f"wandb login {HEX}",
        f"wandb.login(relogin=True, key='{HEX}')",
        f'os.environ["WANDB_API_KEY"] = "{HEX}"',
    ],
)
def test_a_key_is_found_with_its_line(tmp_path, line):
    script = tmp_path / "job.sh"
    script.write_text(f"#!/bin/bash\n\f\n{line}\n")
    assert script_key_line(script) == 3


@pytest.mark.parametrize(
    "line",
    [
        "export WANDB_API_KEY=$(cat ~/.wandb_key)",
        'wandb.login(key=os.environ["WANDB_API_KEY"])',
        "wandb.login(key='<your_api_key>')",
        f"git checkout {HEX}",
        f"export WANDB_API_KEY=$KEY_{HEX}00",
        "import wandb",
    ],
)
def test_what_is_no_key_is_not(tmp_path, line):
    script = tmp_path / "job.sh"
    script.write_text(line)
    assert script_key_line(script) is None


def test_no_script():
    assert script_key_line(None) is None
