"""Annotations and the step's summary of GitHub Actions."""

import re

from harness.report.annotations import MOST, annotations
from harness.report.github import append_summary, command, hold, release
from tests.report.samples import duplicates, hostile, inconclusive, passed

ACTIONS = {"GITHUB_ACTIONS": "true"}


def test_outside_github_nothing_is_said(tmp_path):
    assert annotations(duplicates()[1], {}) == []
    append_summary("text", {})


def test_a_cause_is_an_error_with_its_first_advice():
    (line,) = annotations(duplicates()[1], ACTIONS)
    assert line.startswith("::error title=W&B verification%3A dup-one-run-per-rank::Every rank made its own W&B run")
    assert "%0A8 runs belong to this job" in line
    assert "rank = int(os.environ" in line


def test_a_warning_is_one():
    verdict = duplicates()[1]
    warning = verdict.findings[-1].model_copy(update={"severity": "warning"})
    line = annotations(verdict.model_copy(update={"findings": (warning,)}), ACTIONS)[0]
    assert line.startswith("::warning title=W&B verification%3A sys-mi250x-second-die-power::")


def test_a_pass_says_nothing_and_a_doubt_says_why():
    assert annotations(passed()[1], ACTIONS) == []
    (line,) = annotations(inconclusive()[1], ACTIONS)
    assert line.startswith("::error title=W&B verification::This could not be settled")
    assert "test_exactly_one_run: no answer within 30 s" in line


def test_no_text_can_end_a_command_or_begin_another():
    lines = annotations(hostile()[1], ACTIONS)
    assert 0 < len(lines) <= MOST
    for line in lines:
        assert "\n" not in line
        assert "\r" not in line
        assert re.fullmatch(r"::(error|warning) title=[^:,]*::.*", line)
    assert command("error", "a,b:c%", "x\r\n::error::y%0A") == "::error title=a%2Cb%3Ac%25::x%0D%0A::error::y%250A"


def test_the_summary_is_appended(tmp_path):
    file = tmp_path / "step.md"
    file.write_text("before\n")
    append_summary("## é", {"GITHUB_STEP_SUMMARY": str(file)})
    assert file.read_text(encoding="utf-8") == "before\n## é\n"


def test_words_of_a_job_are_no_commands():
    assert (hold("t0ken", ACTIONS), release("t0ken", ACTIONS)) == (["::stop-commands::t0ken"], ["::t0ken::"])
    assert (hold("t0ken", {}), release("t0ken", {})) == ([], [])
