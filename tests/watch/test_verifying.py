"""The process that verifies for the watch: it answers, it is gone when it rests, and its death is told."""

import json
import os
import sys

import pytest

from harness.commands.watch import VERIFIES
from harness.watch import verifying
from harness.watch.ledger import Entry
from harness.watch.subjects import Subject
from harness.watch.track import Track
from harness.watch.verifying import Verifier
from tests.in_ci import real_part


@pytest.fixture
def subject(tmp_path):
    return Subject("wandb", "folder", Track(0.0), folder=tmp_path)


@pytest.fixture
def verifier(tmp_path):
    made = Verifier(tmp_path / "watch", os.environ, tmp_path, {"wandb_expect": "loss"}, VERIFIES)
    yield made
    made.stop()


@real_part
def test_it_verifies_and_shows_what_was_noted(verifier, subject):
    judged = verifier.verify(subject)
    assert judged.verdict == json.loads((verifier.place(subject) / "verdict.json").read_text())["verdict"]
    assert judged.path == str(verifier.place(subject) / "verdict.json")
    verifier.show(subject, [Entry(1.0, "wandb", "begin", "running", words="what was noted")])
    assert "What was watched" in (verifier.place(subject) / "report.html").read_text()
    child = verifier._process
    verifier.rest()
    assert child.returncode == 0


@real_part
def test_a_folder_that_cannot_be_written_is_told(verifier, subject):
    verifier.place(subject).parent.write_text("a file")
    judged = verifier.verify(subject)
    assert (judged.verdict, judged.words) == (
        "inconclusive",
        f"{verifier.place(subject)} cannot be written: Not a directory",
    )


def test_its_death_is_told(verifier, subject, monkeypatch):
    monkeypatch.setattr(verifying, "_CODE", "raise SystemExit(9)")
    assert verifier.verify(subject).words == "the process that verifies ended with exit code 9"


@real_part
def test_the_watch_itself_loads_nothing_that_only_verifying_needs(verifier):
    code = "import sys, harness.commands.watch; print(*sys.modules)"
    told = verifying.subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {
        "jinja2",
        "yaml",
        "harness.judging.judge",
        "harness.verification.verify",
        "google.protobuf",
        "wandb",
    } & set(told)
