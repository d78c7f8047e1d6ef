"""Whole evidence and files of output lose their secrets, and nothing else."""

import os
from pathlib import Path

import pytest

from harness.evidence.models import Evidence
from harness.evidence.redaction.documents import redact_file, redacted
from harness.evidence.redaction.redactor import Redactor
from tests.judging import build as b
from tests.report.samples import lumi

KEY = "c0ffee12" * 5


def test_what_holds_no_secret_stays_the_very_same():
    found = lumi()
    assert redacted(found, Redactor(["another-secret"])) is found


def test_texts_and_names_are_redacted_at_any_depth():
    run = b.server_run(name=f"run {KEY}", config={"a": [{"b": KEY}], KEY: 1}, series={f"m_{KEY}": b.server_series("m")})
    found = redacted(b.evidence(server=b.server(run)), Redactor())
    assert KEY not in found.model_dump_json()
    assert found.server.runs[0].config == {"a": [{"b": "[redacted]"}], "[redacted]": 1}


@pytest.mark.parametrize("word", ["read", "online", "completed"])
def test_a_secret_that_is_a_word_of_ours_leaves_the_evidence_readable(word):
    found = redacted(lumi(), Redactor([word]))
    assert Evidence.model_validate_json(found.model_dump_json()).server.status == "read"


def test_only_lines_with_a_secret_change(tmp_path):
    log = tmp_path / "job.log"
    log.write_bytes(f"\x1b[32mEpoch 1\x1b[0m\r100%\n\x1b[31mkey {KEY[:20]}\x1b[0m{KEY[20:]}\nlast mine-own\n".encode())
    log.chmod(0o640)
    redact_file(log, Redactor(["mine-own"]))
    assert log.read_bytes() == b"\x1b[32mEpoch 1\x1b[0m\r100%\nkey [redacted]\nlast [redacted]\n"
    assert log.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["job.log"]


FULL_DISK = {
    "a key": (f"WANDB_API_KEY={KEY}\n", f"WANDB_API_KEY=[redacted]{' ' * 30}\n"),
    "colours": (f"\x1b[31m{KEY}\x1b[0m\r\nlast", f"[redacted]{' ' * 40}\nlast"),
    "longer without": ("pin=mine\nlast\n", "********\nlast\n"),
    "no line break": (KEY, f"[redacted]{' ' * 30}"),
}


@pytest.mark.parametrize(("text", "left"), FULL_DISK.values(), ids=FULL_DISK.keys())
def test_on_a_full_disk_secrets_are_overwritten_and_no_copy_is_left(tmp_path, monkeypatch, text, left):
    def full(handle, mode):
        os.close(handle)
        return Path("/dev/full").open(mode)

    log = tmp_path / "job.log"
    log.write_text(f"Epoch 1\n{text}", newline="")
    monkeypatch.setattr(os, "fdopen", full)
    redact_file(log, Redactor(["mine"]))
    assert log.read_bytes().decode() == f"Epoch 1\n{left}"
    assert [p.name for p in tmp_path.iterdir()] == ["job.log"]


def test_a_file_without_secrets_is_not_written_again(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("no key here\n")
    before = log.stat().st_ino
    redact_file(log, Redactor())
    assert log.stat().st_ino == before


def test_a_users_own_file_behind_a_link_stays(tmp_path):
    (tmp_path / "report").mkdir()
    own = tmp_path / "slurm-1.out"
    own.write_text(KEY)
    (tmp_path / "report" / "job.log").symlink_to(own)
    redact_file(tmp_path / "report" / "job.log", Redactor())
    assert own.read_text() == KEY
