"""The client of Slurm's commands reads what the commands print, and never waits or raises."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.targets.slurm.commands import (
    Answer,
    Slurm,
    expand_nodes,
    gpus_of,
    job_id_of,
    parse_show,
    seconds,
)
from tests.targets.slurm.double import Double, accounted, queued, shown


@pytest.fixture
def double(tmp_path: Path) -> Double:
    return Double(tmp_path / "bin")


@pytest.fixture
def slurm(double: Double, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    monkeypatch.setenv("PATH", double.env()["PATH"])
    return Slurm(double.env())


REASONS = (
    "ReqNodeNotAvail, UnavailableNodes:nid005003",
    "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions",
    "a|b",
)


@pytest.mark.parametrize("reason", REASONS)
def test_reasons_hold_blanks_commas_and_bars(double, slurm, reason):
    double.says("squeue", queued("PENDING", reason))
    found, trouble = slurm.queue("4242")
    assert trouble is None
    assert (found.state, found.reason) == ("PENDING", reason)


def test_expected_start_is_read(double, slurm):
    double.says("squeue", queued("PENDING", "Priority", start="2026-11-23T19:53:55"))
    assert slurm.queue("4242")[0].expected_start == "2026-11-23T19:53:55"


@pytest.mark.parametrize(
    "answer", [{"code": 1, "err": "slurm_load_jobs error: Invalid job id specified\n"}, {"out": "", "code": 0}]
)
def test_forgotten_job_is_no_trouble(double, slurm, answer):
    double.says("squeue", answer)
    assert slurm.queue("4242") == (None, None)


def test_controller_away_is_trouble_in_its_own_words(double, slurm):
    words = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
    double.says("squeue", {"code": 1, "err": words})
    found, trouble = slurm.queue("4242")
    assert found is None
    assert trouble.text == words


def test_a_command_that_hangs_is_bounded(double, slurm):
    double.says("scancel", {"sleep": 30})
    begun = time.monotonic()
    answer = slurm.run(["scancel", "1"], timeout_s=0.5)
    assert time.monotonic() - begun < 20
    assert answer.code is None
    assert answer.trouble.kind == "timeout"


def test_a_missing_command_is_trouble(tmp_path):
    answer = Slurm({"PATH": str(tmp_path)}).run([str(tmp_path / "sacct")])
    assert "No such file" in answer.trouble.text


def test_users_own_formats_do_not_disturb(double):
    told = Slurm({**double.env(), "SQUEUE_FORMAT": "%i", "SLURM_CONF": "/etc/x"}).run(["env"]).out
    assert "SQUEUE_FORMAT" not in told
    assert "SLURM_CONF=/etc/x" in told


def test_sacct_tells_job_steps_and_earlier_attempts(double, slurm):
    first = str(accounted("NODE_FAIL")["out"])
    second = str(accounted("FAILED", "1:0", "4242.batch|FAILED|1:0", "4242.0|OUT_OF_MEMORY|0:125")["out"])
    second = second.partition("\n")[2]
    double.says("sacct", {"out": first + second})
    found, trouble = slurm.account("4242")
    assert trouble is None
    assert found.job["State"] == "FAILED"
    assert [s["State"] for s in found.steps] == ["FAILED", "OUT_OF_MEMORY"]
    assert [e["State"] for e in found.earlier] == ["NODE_FAIL"]


def test_sacct_without_a_record(double, slurm):
    double.says("sacct", {"out": ""})
    assert slurm.account("4242") == (None, None)


def test_show_takes_values_with_blanks():
    found = parse_show(str(shown("RUNNING", Reason="Nodes required for job are DOWN, or so")["out"]))
    assert found["StdOut"] == "/scratch/a b/job.log"
    assert found["Reason"] == "Nodes required for job are DOWN, or so"
    assert found["NodeList"] == "nid[005000-005001]"


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        ("4242\n", "4242"),
        ("4242;lumi\n", "4242"),
        ("Submitted batch job 4242\n", "4242"),
        ("Submitted batch job 4242 on cluster lumi\n", "4242"),
        ("sbatch: Pending job allocation\n4242\n", "4242"),
        ("", None),
    ],
)
def test_job_id(out, expected):
    assert job_id_of(Answer(("sbatch",), 0, out)) == expected


def test_no_job_id_of_a_refusal():
    assert job_id_of(Answer(("sbatch",), 1, "4242\n")) is None


@pytest.mark.parametrize(
    ("err", "refused"),
    [
        ("allocation failure: Invalid account or account/partition combination specified", True),
        ("sbatch: error: invalid partition specified: nope-g", True),
        ("allocation failure: Requested time limit is invalid (missing or exceeds some limit)", True),
        ("allocation failure: Requested node configuration is not available", False),
        ("allocation failure: Unable to contact slurm controller (connect failure)", False),
    ],
)
def test_only_final_refusals_of_the_trial_count(double, slurm, tmp_path, err, refused):
    double.says("test-only", {"code": 1, "err": err})
    answer, _ = slurm.test(["job.sh"], double.env(), tmp_path)
    assert (answer is not None) == refused


def test_trial_tells_the_start(double, slurm, tmp_path):
    words = "sbatch: Job 12 to start at 2026-11-23T19:53:55 using 4 processors on nodes nid005000 in partition dev-g"
    double.says("test-only", {"err": words})
    assert slurm.test(["job.sh"], double.env(), tmp_path) == (None, "2026-11-23T19:53:55")


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ("nid005000", ("nid005000",)),
        ("nid[005000-005002,005009]", ("nid005000", "nid005001", "nid005002", "nid005009")),
        ("nid005000,uan01", ("nid005000", "uan01")),
        ("(null)", ()),
        ("", ()),
    ],
)
def test_node_lists(listed, names):
    assert expand_nodes(listed) == names


def test_gpus():
    assert gpus_of("cpu=4,gres/gpu:mi250=4,gres/gpu=8,mem=8G") == 8
    assert gpus_of("gres/gpu:mi250=4") == 4
    assert gpus_of("cpu=4") is None


def test_times():
    assert seconds("Unknown") is None
    assert seconds("2026-11-23T12:00:20") - seconds("2026-11-23T12:00:00") == 20
