"""The checks as a user runs them, on saved evidence: outcomes, exit codes, texts and `verdict.json`."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

import pytest

from harness.evidence.models import ServerReading, Trouble
from tests.in_ci import first_in_quick, real_part
from tests.judging import build as b
from tests.judging.build import evidence, job, network, server, server_run, server_series, setup
from tests.repository import REPOSITORY as CLONE


@dataclass
class Outcome:
    code: int
    text: str
    verdict: dict | None

    def check(self, name):
        return next(c for c in self.verdict["checks"] if c["name"].endswith(f"::{name}"))


@pytest.fixture
def checks(tmp_path):
    def run(found=None, *options):
        report = tmp_path / "report"
        saved = tmp_path / "evidence.json"
        if found is not None:
            saved.write_text(found.model_dump_json())
        replay = ["--replay", str(saved)] if found is not None else []
        command = [sys.executable, "-m", "pytest", str(CLONE / "checks"), "-c", str(CLONE / "pyproject.toml")]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "HARNESS", "PYTEST"))}
        done = subprocess.run(
            [*command, "--rootdir", str(CLONE), "--report", str(report), *replay, *options],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        written = report / "verdict.json"
        verdict = json.loads(written.read_text()) if written.exists() else None
        return Outcome(done.returncode, done.stdout + done.stderr, verdict)

    return run


OWN_SERVER = setup(network=network(base_url="https://wandb.example.org"))
LATE_SIGNAL = """
import os, signal, pytest
@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish():
    os.kill(os.getpid(), signal.SIGHUP)
    return (yield)
"""


AGAIN = """
import sys, weakref, pytest

class Seen:
    configs = []

    def pytest_configure(self, config):
        self.configs.append(weakref.ref(config))

    def pytest_sessionstart(self):
        print("alive", sum(config() is not None for config in self.configs), "of", len(self.configs))

for _ in range(4):
    pytest.main(sys.argv[1:], plugins=[Seen()])
"""


def healthy(**change):
    run = server_run(
        system={}, metadata={"host": "nid005001", "python": "3.12.3"}, files=("output.log",), **change.pop("run", {})
    )
    return evidence(server=server(run), **change)


@real_part
def test_a_missing_metric_fails_its_check_and_blocks_what_needs_it(checks, tmp_path):
    found = healthy(run={"series": {"acc": server_series("acc"), "train_loss": server_series("train_loss")}})
    outcome = checks(found, "--junitxml", str(tmp_path / "junit.xml"))
    assert outcome.code == 1
    assert outcome.verdict["verdict"] == "failed"
    assert outcome.verdict["root_cause"] == "metric-missing-key"
    assert outcome.check("test_series_is_present[loss]")["outcome"] == "failed"
    blocked = outcome.check("test_series_has_every_point[loss]")
    assert blocked["outcome"] == "blocked"
    assert blocked["blocked_by"] == "test_4_metrics.py::test_series_is_present[loss]"
    assert outcome.check("test_series_is_present[acc]")["outcome"] == "passed"
    assert "expected  The metric is in the run" in outcome.text
    assert "observed  loss was never logged" in outcome.text
    assert "cause: metric-missing-key" in outcome.text
    junit = (tmp_path / "junit.xml").read_text()
    assert '<property name="fault" value="metric-missing-key"' in junit
    assert '<property name="outcome" value="blocked"' in junit


UNREAD = {"server": ServerReading(status="failed", trouble=Trouble(kind="permission", text="permission denied"))}


@real_part
@pytest.mark.parametrize(
    "server_", first_in_quick([({},), (UNREAD,)]), ids=["the run is there", "it could not be read"]
)
def test_a_consequence_whose_symptom_never_comes_counts_as_failed_for_pytest_too(checks, server_):
    words = "RuntimeError: api.registry() is not enabled on this wandb server version."
    found = healthy(job=job(words, ending="failed", exit_code=1), setup=OWN_SERVER)
    outcome = checks(found.model_copy(update=server_))
    failed = [c["name"] for c in outcome.verdict["checks"] if c["outcome"] == "failed"]
    assert outcome.verdict["root_cause"] == "ver-server-too-old"
    assert "test_2_job.py::test_job_completed" in failed
    assert re.search(rf"\b{len(failed)} failed\b", outcome.text.splitlines()[-1])


@pytest.mark.slow
def test_a_missing_run_that_all_else_needs_counts_as_failed_for_pytest_too(checks):
    words = "wandb: WARNING Fatal error while uploading data. Some run data will not be synced"
    gone = b.http("run not found", 404, path="/files/team/vit/abcd1234/file_stream", fatal=True)
    found = evidence(job=job(words), local=b.local(b.run_with_http(gone, rows=10)), server=server())
    outcome = checks(found)
    failed = [c["name"] for c in outcome.verdict["checks"] if c["outcome"] == "failed"]
    assert outcome.verdict["root_cause"] == "net-filestream-4xx-fatal"
    assert failed == ["test_3_run.py::test_init_succeeded"]
    assert "1 failed" in outcome.text.splitlines()[-1]


@real_part
def test_a_reader_that_fails_is_neither_pass_nor_failure(checks):
    trouble = Trouble(kind="timeout", text="no answer within 30 s")
    outcome = checks(healthy().model_copy(update={"server": ServerReading(status="failed", trouble=trouble)}))
    assert outcome.code == 10
    assert outcome.verdict["verdict"] == "inconclusive"
    assert outcome.verdict["root_cause"] is None
    assert outcome.check("test_init_succeeded")["outcome"] == "not_checked"
    assert "no answer within 30 s" in outcome.check("test_init_succeeded")["reason"]
    assert not [c for c in outcome.verdict["checks"] if c["outcome"] == "failed"]


@real_part
@pytest.mark.parametrize(
    ("options", "words"),
    first_in_quick([
        (["--report", "/proc/nowhere"], "--report: /proc/nowhere cannot be written"),
        (["-n", "2"], "-n is refused"),
        (["--nproc", "0"], "--nproc: '0'"),
    ]),
)  # fmt: skip
def test_bad_input_ends_with_one_sentence_and_exit_code_4(checks, options, words):
    outcome = checks(None, *options)
    assert outcome.code == 4
    assert words in outcome.text
    assert len([line for line in outcome.text.splitlines() if line.strip()]) == 1
    assert outcome.verdict is None


@real_part
def test_a_file_that_is_no_evidence_is_refused(checks, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text("{}{")
    outcome = checks(None, "--replay", str(bad))
    assert outcome.code == 4
    assert "--replay" in outcome.text
    assert "Traceback" not in outcome.text


@pytest.mark.slow
def test_a_clone_reached_through_a_link_is_the_same_clone(tmp_path):
    (tmp_path / "link").symlink_to(CLONE)
    saved = tmp_path / "evidence.json"
    saved.write_text(healthy(run={"series": {"acc": server_series("acc")}}).model_dump_json())
    link = tmp_path / "link"
    command = [sys.executable, "-m", "pytest", str(link / "checks"), "-c", str(link / "pyproject.toml")]
    done = subprocess.run(
        [*command, "--rootdir", str(link), "--report", str(tmp_path / "report"), "--replay", str(saved)],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    verdict = json.loads((tmp_path / "report" / "verdict.json").read_text())
    assert verdict["root_cause"] == "metric-missing-key"
    assert [c for c in verdict["checks"] if c["outcome"] == "blocked"]


@pytest.mark.slow
def test_a_pattern_that_the_shell_took_apart_is_refused_in_one_sentence(checks, tmp_path):
    for number in range(3):
        (tmp_path / f"slurm-7-{number}.out").touch()
    outcome = checks(None, "--job-log", *(f"slurm-7-{number}.out" for number in range(3)))
    assert outcome.code == 4
    assert "slurm-7-1.out came after it; quote the pattern" in outcome.text


@pytest.mark.slow
def test_a_terminal_closed_between_the_last_check_and_the_reports_does_no_harm(checks, tmp_path):
    (tmp_path / "late_signal.py").write_text(LATE_SIGNAL)
    outcome = checks(healthy(run={"series": {"acc": server_series("acc")}}), "-p", "late_signal")
    assert "Traceback" not in outcome.text
    assert outcome.code == 1
    assert outcome.verdict["root_cause"] == "metric-missing-key"


@real_part
def test_verifications_of_one_process_free_what_earlier_ones_left(tmp_path):
    saved = tmp_path / "evidence.json"
    saved.write_text(healthy().model_dump_json())
    options = [str(CLONE / "checks"), "-c", str(CLONE / "pyproject.toml"), "--rootdir", str(CLONE), "-s"]
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, *options, "--replay", str(saved), "--report", str(tmp_path / "report")],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "alive 2 of 4\n" in done.stdout  # this one and the last one
