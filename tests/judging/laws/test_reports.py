"""Law 6: pytest, verdict.json, JUnit, the page, Markdown and judge(evidence) say the same of a case."""

import json
import os
import subprocess
import sys
from collections import Counter
from xml.etree import ElementTree as ET

import pytest

from harness.judging.judge import judge
from harness.judging.verdict import Cause
from tests.faults.recorded import recordings
from tests.report.pages import Page
from tests.repository import REPOSITORY

SHOWN = (
    "ok-plain", "no-key", "unknown-key", "killed", "script-fails", "every-rank", "loss-renamed", "loss-nan",
    "offline-variable", "stream-403", "rows-that-do-not-appear", "slurm-time-limit", "log-cut-in-half",
)  # fmt: skip
EXIT = {"passed": 0, "failed": 1, "inconclusive": 10}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=SHOWN)
def reported(request, tmp_path_factory):
    """A recording, judged by itself, and replayed through pytest: exit code and folder."""
    folder = tmp_path_factory.mktemp("reports")
    evidence = recordings()[request.param]
    (folder / "evidence.json").write_text(evidence.model_dump_json())
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "HARNESS", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(REPOSITORY / "checks"), "-c", str(REPOSITORY / "pyproject.toml"),
         "--rootdir", str(REPOSITORY), "-p", "no:cacheprovider", "--replay", "evidence.json", "--report", "report",
         "--junitxml", "junit.xml"],
        cwd=folder, env=environment, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    return judge(evidence), done.returncode, folder


def test_exit_code_and_verdict_document(reported):
    verdict, code, folder = reported
    told, whole = json.loads((folder / "report/verdict.json").read_text()), verdict.model_dump(mode="json")
    assert code == EXIT[verdict.verdict]
    assert told["findings"] == whole["findings"]
    for check in (*told["checks"], *whole["checks"]):
        check.pop("duration_s")
    assert (told["verdict"], told["root_cause"], told["checks"]) == (
        whole["verdict"], whole["root_cause"], whole["checks"],
    )  # fmt: skip


def test_junit(reported):
    verdict, _, folder = reported
    told = {}
    for case in ET.parse(folder / "junit.xml").iter("testcase"):
        name = f"{case.get('classname').rpartition('.')[2]}.py::{case.get('name')}"
        failed, skipped = case.find("failure") is not None, case.find("skipped") is not None
        told[name] = "failed" if failed else "skipped" if skipped else "passed"
    assert told == {c.name: c.outcome if c.outcome in ("passed", "failed") else "skipped" for c in verdict.checks}


def test_page(reported):
    verdict, _, folder = reported
    shown: list[list[str]] = []
    for element in Page((folder / "report/report.html").read_text()).elements:
        classes = (element.attributes.get("class") or "").split()
        if element.tag == "li" and "check" in classes:
            shown.append([classes[-1]])
        elif element.tag == "span" and classes == ["param"] and shown:
            shown[-1].append(classes[-1])
    # Metrics, or parts of the host, that came out alike stand in one line.
    told = Counter({outcome: 0 for outcome, *_ in shown})
    for outcome, *parameters in shown:
        told[outcome] += max(1, len(parameters))
    assert told == Counter(c.outcome for c in verdict.checks)


def test_markdown(reported):
    verdict, _, folder = reported
    text = (folder / "report/summary.md").read_text()
    assert text.splitlines()[0].endswith(verdict.verdict)
    for cause in (f for f in verdict.findings if isinstance(f, Cause)):
        assert f"`{cause.id}`" in text
