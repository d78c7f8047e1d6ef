"""What a job left that was submitted by hand: its output files, options, folder, and what it keeps out."""

from pathlib import Path

import pytest

from harness.targets.slurm.commands import Slurm, accounted
from harness.targets.slurm.left_behind import LeftBehind, expanded, left_behind, output_files
from tests.targets.slurm.double import Double, shown

ROW = {"JobID": "7", "JobIDRaw": "7", "JobName": "vit", "NodeList": "nid[005000-005001]", "WorkDir": "/w"}


@pytest.mark.parametrize(
    ("pattern", "job_id", "name"),
    [
        ("slurm-%j.out", "7", "slurm-7.out"),
        ("slurm-%A_%a.out", "6_3", "slurm-6_3.out"),
        ("%x-%6j-%N.txt", "7", "vit-000007-nid005000.txt"),
        ("100%%-%j", "7", "100%-7"),
    ],
)
def test_patterns_of_file_names(pattern, job_id, name):
    assert expanded(pattern, job_id, ROW) == name


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("sbatch train.sh", ["/w/slurm-7.out"]),
        ("sbatch -o logs/%j.txt train.sh", ["/w/logs/7.txt"]),
        ("sbatch --output=/x/%j.out --error=/x/%j.err train.sh", ["/x/7.out", "/x/7.err"]),
        ("sbatch --output=/dev/null train.sh", []),
        ("sbatch --output='a", ["/w/'a"]),
    ],
)
def test_output_of_a_job_that_only_accounting_knows(line, files):
    row = {**ROW, "SubmitLine": line}
    assert output_files("7", row, left_behind({}, row, "")) == tuple(map(Path, files))


def test_the_script_names_the_output_where_the_command_line_does_not():
    text = "#!/bin/bash\n#SBATCH -o from-script.txt\n#SBATCH --export=NONE\npython train.py\n"
    left = left_behind({}, ROW, text)
    assert output_files("7", ROW, left) == (Path("/w/from-script.txt"),)
    assert left.environment_words == ("--export=NONE",)
    over = {**ROW, "SubmitLine": "sbatch --export=ALL,A=1 -o mine.txt train.sh"}
    assert output_files("7", over, left_behind({}, over, text)) == (Path("/w/mine.txt"),)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("singularity run --cleanenv image python train.py", ("--cleanenv",)),
        ("srun singularity exec --containall image python train.py", ("--containall",)),
        ("env -i PATH=$PATH python train.py", ("env -i",)),
        ("unset WANDB_API_KEY", ("unset WANDB_API_KEY",)),
        ("# singularity run --cleanenv", ()),
        ("python train.py --containers 4", ()),
    ],
)
def test_what_keeps_variables_out(code, words):
    assert LeftBehind(text=f"#!/bin/bash\n{code}\n").environment_words == words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("module --force purge && module load LUMI", ("module --force purge",)),
        ("ml reset", ("ml reset",)),
        ("module unload wandb-key", ("module unload wandb-key",)),
        ("module load LUMI", ()),
    ],
)
def test_what_takes_away_what_modules_had_set(code, words):
    left = LeftBehind(text=f"#!/bin/bash\n{code}\n", submitted_with={"WANDB_MODE": "offline"})
    assert left.module_words == words
    assert left.variables({}) == {"WANDB_MODE": "offline"}, "what the shell had set stays"


@pytest.mark.parametrize(("export", "words"), [("ALL,A=1", ()), ("A,B=2", ("--export=A,B=2",)), ("ALL", ())])
def test_an_export_of_everything_and_more_keeps_nothing_out(export, words):
    assert LeftBehind(options={"export": export}).environment_words == words


def test_an_export_that_only_the_kept_environment_tells():
    """`SBATCH_EXPORT=NONE sbatch train.sh`: neither the command line nor the script has it."""
    left = left_behind({}, {**ROW, "SubmitLine": "sbatch train.sh"}, "", {"SLURM_EXPORT_ENV": "NONE"})
    assert left.environment_words == ("--export=NONE",)
    over = left_behind({}, {**ROW, "SubmitLine": "sbatch --export=ALL x.sh"}, "", {"SLURM_EXPORT_ENV": "NONE"})
    assert over.environment_words == ()


def test_variables_of_the_submission_arrive_unless_something_keeps_them_out():
    kept = {"WANDB_MODE": "offline", "WANDB_DIR": "/here", "WANDB_API_KEY": "[redacted]"}
    left = LeftBehind(text="export WANDB_DIR=/there\n", submitted_with=kept)
    assert left.variables({}) == {"WANDB_MODE": "offline", "WANDB_DIR": "/there"}
    assert left.script_sets == ("WANDB_DIR",)
    taken = LeftBehind(text="srun env -i python x.py\n", submitted_with=kept)
    assert taken.variables({}) == {}


def test_what_was_submitted_holds_no_key():
    left = left_behind({}, ROW, "", {"WANDB_API_KEY": "a" * 40, "WANDB_TAGS": "a", "HOME": "/users/me"})
    assert left.submitted_with == {"WANDB_API_KEY": "[redacted]", "WANDB_TAGS": "a"}


def test_variables_that_the_script_sets():
    text = (
        "export WANDB_DIR=$HOME/runs WANDB_MODE='offline'\n# WANDB_PROJECT=no\n"
        'WANDB_API_KEY=$(cat ~/.key); WANDB_NAME="a b" srun python train.py\n'
    )
    found = LeftBehind(text=text).variables({"HOME": "/users/me"})
    assert found == {"WANDB_DIR": "/users/me/runs", "WANDB_MODE": "offline", "WANDB_NAME": "a b"}
    container = "export APPTAINERENV_WANDB_MODE=offline\nsingularity exec --env WANDB_TAGS=a,WANDB_NAME=b x.sif true\n"
    assert LeftBehind(text=container).script_sets == ("WANDB_MODE", "WANDB_TAGS", "WANDB_NAME")


def test_fields_that_an_older_sacct_lacks_are_left_out(tmp_path, monkeypatch):
    double = Double(tmp_path / "bin")
    monkeypatch.setenv("PATH", double.env()["PATH"])
    said = {"code": 1, "err": 'sacct: error: Invalid field requested: "Restarts"\n'}
    again = {"code": 1, "err": 'sacct: error: Invalid field requested: "StdOut"\n'}
    double.says("sacct", said, again, {"out": "State|JobID\nFAILED|7\n"})
    slurm = Slurm(double.env())
    found, trouble = slurm.account("7")
    assert (found.job["State"], trouble) == ("FAILED", None)
    assert not {"Restarts", "StdOut"} & set(slurm.fields)


def test_a_newer_scontrol_prints_more_and_other_fields(tmp_path, monkeypatch):
    """24.05 and newer: `Switches`, `SubmitLine`, `OomKillStep`, and no `Power`."""
    double = Double(tmp_path / "bin")
    monkeypatch.setenv("PATH", double.env()["PATH"])
    double.says("scontrol", shown("RUNNING", OomKillStep="0", SubmitLine="sbatch --wrap=a b", TresPerJob="gres/gpu:8"))
    (found,) = Slurm(double.env()).show("4242")
    assert (found["JobState"], found["SubmitLine"]) == ("RUNNING", "sbatch --wrap=a b")


def rows(*lines: str) -> list[dict[str, str]]:
    return [dict(zip(("JobID", "State"), line.split("|"), strict=True)) for line in lines]


def test_a_requeued_job_is_the_last_of_its_lines():
    found = accounted(rows("7|NODE_FAIL", "7.batch|CANCELLED", "7|COMPLETED", "7.batch|COMPLETED"), "7")
    assert (found.job["State"], len(found.earlier), [s["State"] for s in found.steps]) == (
        "COMPLETED",
        1,
        ["COMPLETED"],
    )


def test_one_bad_task_or_component_speaks_for_the_whole():
    assert accounted(rows("7_1|COMPLETED", "7_2|FAILED"), "7").job["JobID"] == "7_2"
    assert accounted(rows("7+0|COMPLETED", "7+1|TIMEOUT"), "7").job["State"] == "TIMEOUT"
    assert accounted(rows("7_1|COMPLETED", "7_2|FAILED"), "7_1").job["State"] == "COMPLETED"
    assert accounted(rows("7+0|COMPLETED", "7+1|TIMEOUT"), "7+0").job["State"] == "COMPLETED"
    assert accounted([], "7") is None


def test_tasks_of_an_array(tmp_path, monkeypatch):
    double = Double(tmp_path / "bin")
    monkeypatch.setenv("PATH", double.env()["PATH"])
    double.says("squeue", {"out": "7_2\n7_10\n"})
    double.says("sacct", {"out": "7_1\n7_2\n8_1\n7_[11-20]\n"})
    assert Slurm(double.env()).tasks("7") == ("7_1", "7_2", "7_10")
