"""The report folder: files are replaced as a whole, and reports of an earlier verification do not stay."""

import pytest

from harness.reportfolder import REPORTS, remove_earlier, write_atomically


def test_reports_of_an_earlier_verification_go_and_everything_else_stays(tmp_path):
    for name in (*REPORTS, ".verdict.json.x1y2", "job.log", "slurm.json", "mine.html"):
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
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "verdict.json", "\ud800")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"verdict.json": "old"}
