"""The report folder: files are replaced as a whole, and reports of an earlier verification do not stay."""

import pytest

from harness.settings.report_folder import REPORTS, remove_earlier, write_atomically


def test_reports_of_an_earlier_verification_go_and_everything_else_stays(tmp_path):
    for name in (*REPORTS, ".verdict.json.x1y2", ".job.log.x1y2", "job.log", "slurm.json", "mine.html"):
        (tmp_path / name).touch()
    remove_earlier(tmp_path, keep=None)
    assert {p.name for p in tmp_path.iterdir()} == {"job.log", "slurm.json", "mine.html"}


def test_evidence_that_is_judged_again_stays(tmp_path):
    for name in REPORTS:
        (tmp_path / name).touch()
    remove_earlier(tmp_path, keep=tmp_path / "evidence.json")
    assert [p.name for p in tmp_path.iterdir()] == ["evidence.json"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    write_atomically(tmp_path / "verdict.json", "old")
    (tmp_path / "summary.md").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "summary.md", "new")
    assert {p.name for p in tmp_path.iterdir()} == {"verdict.json", "summary.md"}


def test_a_path_that_is_no_utf_8_costs_no_report(tmp_path):
    write_atomically(tmp_path / "summary.md", "a folder called \udcc3")
    assert (tmp_path / "summary.md").read_text() == "a folder called ?"
