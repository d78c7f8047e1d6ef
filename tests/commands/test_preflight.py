"""`lumi-wandb preflight`: setup and a look at the script, no job; the exit code says whether W&B would work."""

import os

import pytest

from harness.commands.preflight import main

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "HARNESS"))}
GUARDED = (
    'import wandb\nif rank == 0:\n    run = wandb.init(project="p")\n    run.log({"loss": 1.0})\n    run.finish()\n'
)
LIGHTNING = "import lightning as L\nL.Trainer(max_epochs=1).fit(model)\n"
KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def look(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def look(script, *options, **variables):
        (tmp_path / "train.py").write_text(script)
        code = main(["--job", "train.py", *options], {**ENVIRONMENT, "HOME": str(tmp_path), **variables})
        return code, capsys.readouterr()

    return look


@pytest.mark.slow
def test_a_good_script_would_work_and_is_described(look, tmp_path):
    code, said = look(GUARDED, "--server", "loopback")
    assert code == 0
    assert "line 3: wandb.init(project='p'), under `rank == 0`" in said.out
    assert "logs: loss" in said.out
    assert "finish: line 5" in said.out
    assert "W&B would work, as far as can be known without a job." in said.out
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import wandb\nwandb.init()\n", "line 2: no condition on the rank"),
        (
            f'import wandb\nwandb.login(key="{KEY}")\nif rank == 0:\n    wandb.init()\n',
            "line 2: an API key stands there",
        ),
        (LIGHTNING, "lightning is not told of W&B"),
        ("import wandb\nif rank == 0\n    wandb.init()\n", "Python cannot read it here: a syntax error"),
        ('import wandb\nif rank == 0:\n    wandb.init(mode="offline")\n', "line 3: mode=offline keeps the run from"),
    ],
)
def test_what_is_worth_a_look_is_named_by_its_line(look, script, words):
    code, said = look(script, "--server", "loopback")
    assert words in said.out
    assert "1 thing in the script to look at first" in said.out
    assert code == 0
    assert KEY not in said.out


@pytest.mark.slow
def test_a_setup_that_fails_has_its_cause_and_its_cure(look):
    code, said = look(GUARDED, WANDB_BASE_URL="http://127.0.0.1:9", WANDB_API_KEY=KEY)
    assert code == 1
    assert "net-connection-refused" in said.out
    assert "  do: " in said.out
    assert "W&B would not work" in said.out


@pytest.mark.slow
def test_a_file_that_hides_the_sdk_is_found_without_a_job(look, tmp_path):
    (tmp_path / "wandb.py").write_text("")
    code, said = look(GUARDED, "--server", "loopback")
    assert code == 1
    assert "init-shadowed-by-file" in said.out
    assert "W&B would not work" in said.out


@pytest.mark.parametrize(
    ("options", "words"), [(["--run", "a/b/c"], "has not run yet"), (["--nproc", "0"], "--nproc"), (["--jbo"], "--job")]
)
def test_wrong_usage_is_one_sentence(options, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(options, ENVIRONMENT)
    except SystemExit as end:
        code = end.code
    assert code == 4
    assert words in capsys.readouterr().err
