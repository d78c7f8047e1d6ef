"""Several jobs: a line for each, and the exit code that counts most."""

import json
import sys

import pytest

from harness.verification.several_jobs import command_of, judge_each

SCRIPT = """
import json, pathlib, sys
job = sys.argv[-2].partition("=")[2]; folder = pathlib.Path(sys.argv[-1].partition("=")[2])
code = int(job) % 100
if code == 4:
    print("ERROR: Slurm knows no job", file=sys.stderr)
else:
    folder.mkdir(parents=True)
    verdict = {0: "passed", 1: "failed", 10: "inconclusive"}[code]
    cause = {"id": "auth-no-key", "title": "No key"} if code == 1 else None
    text = json.dumps({"verdict": verdict, "root_cause": cause and cause["id"], "findings": [cause] if cause else []})
    (folder / "verdict.json").write_text(text)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("jobs", "code"), [(["100", "200"], 0), (["100", "110"], 10), (["104", "110"], 4), (["110", "101", "104"], 1)]
)
def test_the_worst_exit_code_counts(tmp_path, jobs, code):
    lines: list[str] = []
    assert judge_each(jobs, [sys.executable, "-c", SCRIPT], tmp_path, lines.append) == code
    assert [line.partition(":")[0] for line in lines] == jobs


def test_a_line_tells_verdict_cause_and_report(tmp_path):
    lines: list[str] = []
    judge_each(["101", "104"], [sys.executable, "-c", SCRIPT], tmp_path, lines.append)
    assert lines == [f"101: failed, auth-no-key: No key    {tmp_path / '101'}", "104: ERROR: Slurm knows no job"]
    assert json.loads((tmp_path / "101/verdict.json").read_text())["verdict"] == "failed"


def test_it_is_started_again_as_it_was():
    assert command_of(None, ["checks", "--lumi"])[1:] == ["-m", "pytest", "checks", "--lumi"]
    assert command_of(["--lumi-attach", "7"], ["-c", "x"])[1:] == ["-m", "harness", "check", "--lumi-attach", "7"]
