"""`explain --log`: the faults whose words a log holds, and none where a job was well."""

import pytest

from harness.commands.explain import advised, condition, generic_values, main, matches
from harness.judging.catalogue import catalogue
from harness.judging.findings import fill

HEALTHY = """
wandb: Currently logged in as: me (team) to https://api.wandb.ai. Use `wandb login --relogin` to force relogin
wandb: Tracking run with wandb version 0.31.0
wandb: Syncing run j5zpeo3h
wandb: 🚀 View run at https://wandb.ai/team/vit/runs/j5zpeo3h

Epoch 1, Loss: 2.0
wandb: Synced 5 W&B file(s), 0 media file(s), 0 artifact file(s) and 0 other file(s)
"""


def found(text):
    return [(entry.id, number) for entry, number, _ in matches(text.splitlines(keepends=True))]


def test_the_log_of_a_healthy_job_holds_no_fault():
    assert found(HEALTHY) == []


def test_a_fault_is_found_with_the_line_that_tells_it():
    assert ("auth-no-key", 2) in found(
        "\nwandb.errors.errors.UsageError: No API key configured. Use `wandb login` to log in.\n"
    )


def test_a_page_says_in_which_share_of_the_tests_the_cure_helped(capsys):
    main(["mode-env-offline"])
    told = " ".join(capsys.readouterr().out.split())
    assert "In the tests: mended by the first cure in " in told


@pytest.mark.parametrize("entry", catalogue().values(), ids=catalogue())
def test_no_two_pieces_of_advice_show_the_same_lines(entry):
    shown = []
    for advice in advised(entry):
        code = [line for line in fill(advice.shown, generic_values()).splitlines() if line.startswith("  ")]
        shown += [(condition(advice.when), *code)] if code else []
    assert len(set(shown)) == len(shown)


def test_an_error_of_the_script_alone_is_told(tmp_path, capsys):
    log = tmp_path / "job.out"
    log.write_text(
        "Epoch 1\nTraceback (most recent call last):\n  File \"t.py\", line 3, in <module>\nKeyError: 'best'\n"
    )
    assert main(["--log", str(log)]) == 0
    assert "end-failed-exitcode line 2: KeyError: 'best'" in capsys.readouterr().out
    log.write_text("Epoch 1\n")
    assert main(["--log", str(log)]) == 0
    assert "No known fault's text" in capsys.readouterr().out
