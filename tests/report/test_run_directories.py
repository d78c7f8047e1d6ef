"""A folder that was judged is told of in words, with the command that uploads it whole on its line."""

from harness.evidence.models import Request, ServerReading
from harness.report.run_directories import MOST, others, told
from harness.report.terminal.summary import folders
from tests.judging.build import evidence, local, local_run

FOLDER = Request(source="run_dir", server="none", target="none")


def of(*runs):
    return evidence(request=FOLDER, job=None, setup=None, local=local(*runs), server=ServerReading())


def test_only_a_folder_that_was_asked_about_is_told_of():
    assert told(None) == []
    assert told(evidence()) == []
    assert len(told(of(*[local_run() for _ in range(MOST + 1)]))) == MOST


def test_the_command_stays_whole():
    run = local_run(offline=True, path="/scratch/project_465000000/" + "long/" * 20 + "offline-run-20261123_120000-a")
    run = run.model_copy(update={"log": run.log.model_copy(update={"records": {"history": 3}})})
    lines = folders(of(run), 80)
    assert f"      wandb sync {run.path}" in lines
    assert lines[0] == f"folder: {run.path}"
    assert any("lost for good: nothing" in line for line in lines)


def test_run_directories_that_were_left_aside_are_counted():
    many = evidence(request=FOLDER, job=None, setup=None, server=ServerReading(),
                    local=local(*[local_run() for _ in range(MOST + 2)], older_runs=3))  # fmt: skip
    assert others(many) == (
        "more run directories: 3 of earlier jobs: name one with --run-dir to judge it; 2 of this job, in evidence.json"
    )
    assert folders(many, 200)[-1] == others(many)
    assert others(of(local_run())) == ""
    assert others(None) == ""
