"""The ReFrame check on ReFrame's local scheduler: sanity from the verdict, performance from its timings."""

import pytest

from tests.examples.reframes import run, settings
from tests.report.samples import duplicates, passed

pytestmark = pytest.mark.slow


@pytest.fixture
def played(tmp_path):
    def play(sample, *options):
        saved = tmp_path / "evidence.json"
        saved.write_text(sample()[0].model_dump_json())
        return run(tmp_path, settings(tmp_path / "settings.py"), ["--replay", str(saved), *options])

    return play


def test_a_good_run_passes_with_its_timings(played, tmp_path):
    done = played(lambda: _healthy(passed()))
    assert done.returncode == 0, done.stdout
    assert "Ran 1/1 test case(s) from 1 check(s) (0 failure(s)" in done.stdout
    assert "P: first_point_s: 44" in done.stdout
    assert list((tmp_path / "output").rglob("report/report.html")), "the report is kept with ReFrame's output"


def test_a_bad_run_fails_with_cause_and_cure(played):
    done = played(duplicates)
    assert done.returncode != 0
    assert "failed: dup-one-run-per-rank: Every rank made its own W&B run (8 runs)" in done.stdout
    assert "Let rank 0 alone have a run" in done.stdout


def test_wrong_usage_fails_without_a_verdict(played):
    done = played(duplicates, "--nproc", "0")
    assert done.returncode != 0
    assert "no verdict" in done.stdout


def _healthy(sample):
    found, verdict = sample
    run = found.server.runs[0].model_copy(
        update={"metadata": {"host": "nid005017", "python": "3.12.3"}, "files": ("output.log",)}
    )
    network = found.setup.network.model_copy(update={"entity": run.entity, "project": run.project})
    setup = found.setup.model_copy(update={"network": network})
    return found.model_copy(
        update={"setup": setup, "server": found.server.model_copy(update={"runs": (run,)})}
    ), verdict
