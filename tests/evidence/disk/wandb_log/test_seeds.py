"""Reads logs that the real SDKs wrote, 0.12 to 0.31, and expects what `data/seed.py` logged."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.evidence.disk.wandb_log.reader import read_wandb_log
from harness.evidence.models.wandb_log import LocalLog

VERSIONS = ["0.12.21", "0.15.12", "0.19.5", "0.24.2", "0.28.2", "0.30.0", "0.31.0"]
DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def log(version: str) -> LocalLog:
    return read_wandb_log(DATA / f"seed-{version}.wandb")


def test_the_log_is_whole(log: LocalLog, version: str) -> None:
    assert log.status == "complete"
    assert log.problems == ()
    assert (log.has_exit, log.exit_code) == (True, 0)
    assert log.sdk_version == version
    assert log.python_version.startswith("3.")
    # The footer is a thing of the past.
    assert ("footer" in log.records) == (version in ("0.12.21", "0.15.12"))


def test_the_run(log: LocalLog) -> None:
    assert log.run is not None
    run = log.run
    assert (run.project, run.run_id, run.display_name) == ("seed", "seed0001", "Example run")
    assert (run.group, run.job_type, run.tags) == ("grp", "train", ("a", "b"))
    assert run.host
    assert run.start_time is not None
    assert not run.resumed


def test_config_and_summary(log: LocalLog, version: str) -> None:
    assert log.config == {"lr": 0.1, "model.depth": 2, "model.names": ["x", "y"], "late": 1}
    expected = {"acc": 11 / 12, "epoch": 11, "loss.min": 1 / 12, "best": 3, "inf": "Infinity", "text": "hi"}
    expected |= {"flag": True, "val/acc": 11 / 24, "_step": 12}
    if version not in ("0.12.21", "0.15.12"):  # they left dictionaries out
        expected |= {"nested.a": 11, "nested.b.c": 22}
    assert {key: log.summary[key] for key in expected} == expected


def test_history(log: LocalLog) -> None:
    assert (log.history_rows, log.first_step, log.last_step) == (13, 0, 12)
    assert (log.repeated_steps, log.backward_steps) == (0, 0)
    assert sorted(log.series) == [
        "acc", "epoch", "flag", "h", "inf", "loss", "nested.a", "nested.b.c", "text", "val/acc",
    ]  # fmt: skip
    assert log.history_first_time is not None
    assert log.history_last_time is not None
    assert log.history_first_time <= log.history_last_time


def test_a_plain_series(log: LocalLog) -> None:
    loss = log.series["loss"]
    assert (loss.count, loss.count_number, loss.types) == (12, 12, {"number": 12})
    assert (loss.first, loss.last, loss.min, loss.max) == (1, 1 / 12, 1 / 12, 1)
    assert (loss.first_step, loss.last_step, loss.backward_steps, loss.constant) == (0, 11, 0, False)
    assert loss.sketch == tuple((step, pytest.approx(1 / (step + 1))) for step in range(12))


def test_a_series_with_gaps_and_one_with_nan(log: LocalLog) -> None:
    sparse = log.series["val/acc"]
    assert (sparse.count, sparse.first_step, sparse.last_step) == (3, 3, 11)
    assert [step for step, _ in sparse.sketch] == [3, 7, 11]
    acc = log.series["acc"]
    assert (acc.count, acc.count_non_finite, acc.first_non_finite_step) == (12, 1, 5)
    assert dict(acc.sketch)[5] == "NaN"
    assert (acc.min, acc.max) == (0, 11 / 12)
    assert log.series["inf"].first == "Infinity"


def test_what_is_no_number(log: LocalLog) -> None:
    assert log.series["text"].types == {"string": 3}
    assert log.series["flag"].types == {"bool": 3}
    assert log.series["h"].types == {"html-file": 1}
    assert log.series["nested.b.c"].last == 22


def test_console_and_files(log: LocalLog) -> None:
    assert log.console_lines == 1
    assert any(path.startswith("media/html/h_") for path in log.files)


def test_system_metrics(log: LocalLog, version: str) -> None:
    if version == "0.12.21":
        # Its first sample would have come after the end of so short a run.
        assert log.system == {}
        return
    assert log.system_samples >= 2
    assert log.system_first_time is not None
    rss = log.system["proc.memory.rssMB"]
    assert rss.count == len(rss.sketch)
    assert rss.sketch[0][0] >= 0


def test_environment(log: LocalLog, version: str) -> None:
    if version in ("0.12.21", "0.15.12", "0.19.5"):
        assert log.environment is None
        return
    assert log.environment is not None
    assert log.environment.program.endswith("seed.py")
    assert log.environment.cpu_count > 0


def test_it_is_json_and_back(log: LocalLog) -> None:
    assert LocalLog.model_validate_json(log.model_dump_json()) == log
