"""Reports are written after the verdict, and whatever goes wrong with them, the verdict stands."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.report.html import page
from harness.report.html.findings import parts, sentence, when
from harness.report.write import finish
from harness.settings.model import Settings
from harness.verification.progress import Silent
from harness.verification.session import Session
from tests.report.samples import duplicates, nothing, passed


@pytest.fixture
def session(tmp_path):
    found, verdict = duplicates()
    settings = Settings(target="local", source="job", server="loopback", cwd=Path("/home/me/my work"))
    return Session(settings, tmp_path, Silent, gathered=found, judged=verdict)


def test_every_report_is_written_and_says_the_same(session, tmp_path):
    verdict = session.judged
    finish(session, verdict, ["checks", "--job", "a b.py"], {})
    assert session.unwritten == []
    assert json.loads((tmp_path / "verdict.json").read_text())["root_cause"] == verdict.root_cause
    for name in ("report.html", "summary.md"):
        text = (tmp_path / name).read_text()
        assert "dup-one-run-per-rank" in text
        assert "checks --job &#39;a b.py&#39;" in text or "checks --job 'a b.py'" in text
        assert "--replay" in text


def test_a_page_that_cannot_be_drawn_costs_one_line_not_the_verdict(session, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "pictures", lambda _: 1 / 0)
    verdict = session.judged
    finish(session, verdict, [], {})
    assert verdict.verdict == "failed"
    assert (tmp_path / "verdict.json").exists()
    assert session.unwritten == ["report.html and summary.md: ZeroDivisionError: division by zero"]


def test_a_folder_that_is_gone_costs_lines_not_the_verdict(session, tmp_path):
    session = replace(session, folder=tmp_path / "gone")
    finish(session, session.judged, [], {})
    assert session.judged.verdict == "failed"
    assert [line.partition(":")[0] for line in session.unwritten] == ["verdict.json", "report.html and summary.md"]
    assert all("No such file" in line for line in session.unwritten)


def test_a_step_summary_that_cannot_be_written_costs_one_line(session, tmp_path):
    finish(session, session.judged, [], {"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "file")})
    assert len(session.unwritten) == 1
    assert (tmp_path / "summary.md").exists()


def test_the_step_summary_is_the_markdown_page(session, tmp_path):
    finish(session, session.judged, [], {"GITHUB_STEP_SUMMARY": str(tmp_path / "step.md")})
    assert (tmp_path / "step.md").read_text().strip() == (tmp_path / "summary.md").read_text().strip()


def test_junit_hears_what_concerns_the_whole(session):
    heard = []
    session.record_for_suite = lambda name, value: heard.append((name, value))
    finish(session, session.judged, [], {})
    assert heard[:2] == [("verdict", "failed"), ("root_cause", "dup-one-run-per-rank")]
    assert heard[2] == ("run", "https://wandb.ai/team/vit/runs/run00000")


def test_without_any_evidence_there_is_still_a_page(session, tmp_path):
    finish(replace(session, gathered=None), session.judged, [], {})
    assert "W&amp;B does not work" in (tmp_path / "report.html").read_text()


def test_advice_is_parted_into_words_and_commands():
    advice = "Log in:\n  wandb login\n  echo done\nor else:\n  if x:\n      y"
    assert [(p.kind, p.text) for p in parts(advice)] == [
        ("text", "Log in:"), ("code", "wandb login\necho done"), ("text", "or else:"), ("code", "if x:\n    y"),
    ]  # fmt: skip


def test_every_fault_says_when_it_strikes_or_nothing():
    assert when("auth-no-key").startswith("before the job")
    assert when("unknown") == ""
    assert when("no such fault") == ""


def test_the_verdict_in_one_sentence():
    assert sentence(passed()[1]) == "W&B works for this job."
    assert sentence(nothing()[1]) == "Nothing could be judged: no check was made to its end."
