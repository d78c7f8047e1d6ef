"""Parts of the closing summary: runs, the Slurm job, and how a finding is told."""

import pytest

from harness.judging.verdict import Finding
from harness.report.terminal.summary import runs, slurm_job, told
from tests.report.samples import SAMPLES, duplicates, hostile, passed


def test_of_many_runs_a_few_are_named():
    lines = runs(duplicates()[1])
    assert lines[0] == "run: https://wandb.ai/team/vit/runs/run00000"
    assert lines[-1] == "and 4 more runs"
    assert len(lines) == 5


@pytest.mark.parametrize("name", SAMPLES)
def test_a_name_ends_no_line_and_carries_no_controls(name):
    verdict = SAMPLES[name]()[1]
    assert all(line.isprintable() for line in (*runs(verdict), slurm_job(verdict) or ""))


def test_a_slurm_job_is_told_with_its_cost():
    assert slurm_job(passed()[1]).startswith("job: 9000001 COMPLETED, 155 s, 0.34 GPU-hours")
    assert slurm_job(hostile()[1]).startswith("job: ")


def finding(**change):
    return Finding(
        **{
            "id": "f", "severity": "error", "title": "T", "observed": (), "advice": (), "guide_section": "-",
            "links": (), **change,
        }
    )  # fmt: skip


def test_commands_and_paths_stay_whole_to_be_pasted():
    path = "/scratch/project_465000000/a-very-long-user-name/with-a-very/long-path/wandb/run-20261125_120000-abcd1234"
    advice = f"Upload what is on disk, from {path}:\n  wandb sync --include-online {path}"
    lines = told(finding(advice=(advice,)), 80, root=True, alone=True)
    assert sum(path in line for line in lines) == 2
    assert lines[-1] == f"        wandb sync --include-online {path}"


def test_what_a_cause_explains_is_told_where_there_are_several_causes():
    found = finding(explains=("test_3_run.py::test_a", "test_3_run.py::test_b"))
    assert told(found, 80, root=True, alone=False)[-1] == "  explains: test_a, test_b"
    assert "explains" not in "".join(told(found, 80, root=True, alone=True))


def test_escape_sequences_in_a_finding_are_shown_not_obeyed():
    lines = told(finding(title="\x1b[2J", observed=("a\x07",), advice=("b\x1b]0;x",)), 80, root=True, alone=True)
    assert all(line.isprintable() for line in lines)


def test_lines_of_code_are_shown_once():
    before: set[str] = set()
    one, other = finding(advice=("Do:\n  a\n  b", "Look:\n  c")), finding(advice=("Or do:\n  a\n  b", "Words alone."))
    told(one, 80, root=True, alone=False, before=before)
    assert told(other, 80, root=False, alone=False, before=before)[1:] == [
        "  do: Or do (the same lines as above)", "  do: Words alone.",
    ]  # fmt: skip
