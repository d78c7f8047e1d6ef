"""When the SDK takes its first sample of system metrics, by version and setting, and how long the run went on."""

import pytest

from harness.evidence.models import Place, Request, Watch
from harness.judging.sampling import lasted, over_before_an_upload, sampling
from tests.judging import build as b


def run(version="0.19.11", *, settings=None, runtime_s=60, variables=None):
    own = b.local_run(log=b.log(sdk_version=version, settings=settings or {}, runtime_s=runtime_s))
    return b.evidence(local=b.local(own), setup=b.setup(place=Place(variables=variables or {})))


@pytest.mark.parametrize(
    ("version", "interval_s", "first_s"),
    [
        ("0.16.6", 30.0, 30.0),
        ("0.17.8", 30.0, 30.0),
        ("0.17.9", 10.0, 10.0),
        ("0.19.7", 10.0, 10.0),
        ("0.19.8", 15.0, 15.0),
        ("0.28.2", 15.0, 15.0),
        ("0.29.0", 15.0, 0.0),
        ("0.31.0", 15.0, 0.0),
    ],
)
def test_the_first_sample_is_due_by_the_version(version, interval_s, first_s):
    found = sampling(run(version))
    assert (found.interval_s, found.first_s, found.from_setting) == (interval_s, first_s, False)


def test_an_sdk_whose_version_is_not_known_is_taken_for_a_new_one():
    found = sampling(b.evidence(local=b.local(), server=b.server(), setup=None))
    assert (found.interval_s, found.first_s, found.lasted_s) == (15.0, 0.0, None)


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"x_stats_sampling_interval": 5.0}},
        {"settings": {"_stats_sampling_interval": 5}},
        {"settings": {"x_stats_sample_rate_seconds": "5"}},
        {"variables": {"WANDB_X_STATS_SAMPLING_INTERVAL": "5"}},
        {"variables": {"WANDB__STATS_SAMPLING_INTERVAL": "5"}},
        {"settings": {"x_stats_sampling_interval": 5.0}, "variables": {"WANDB_X_STATS_SAMPLING_INTERVAL": "60"}},
        {"settings": {"x_stats_sampling_interval": None}, "variables": {"WANDB_X_STATS_SAMPLING_INTERVAL": "5"}},
    ],
)
def test_an_interval_that_the_job_chose_counts(change):
    found = sampling(run(**change))
    assert (found.interval_s, found.first_s, found.from_setting) == (5.0, 5.0, True)


def test_a_variable_that_is_no_number_chooses_nothing():
    assert sampling(run(variables={"WANDB_X_STATS_SAMPLING_INTERVAL": "often"})).from_setting is False


@pytest.mark.parametrize(
    ("version", "runtime_s", "too_short"),
    [("0.19.11", 14, True), ("0.19.11", 15, False), ("0.31.0", 0, False), ("0.19.11", None, False)],
    ids=["a second too early", "as it is due", "at once", "who knows"],
)
def test_a_run_that_ended_before_its_first_sample(version, runtime_s, too_short):
    found = run(version, runtime_s=runtime_s).model_copy(update={"server": b.server()})
    assert sampling(found).ended_before_first is too_short


@pytest.mark.parametrize(
    ("summary", "heartbeat_at", "seconds"),
    [
        ({"_runtime": 42.5}, 1010.0, 42.5),
        ({"_runtime": 1.1}, 1600.0, 600.0),
        ({}, 1010.0, 10.0),
        ({"_runtime": 42.5}, None, 42.5),
        ({}, None, None),
    ],
    ids=["synced in a moment", "one row, and long work", "no row", "no sign of life", "nothing"],
)
def test_on_the_server_a_run_lasted_to_its_last_row_or_its_last_sign_of_life(summary, heartbeat_at, seconds):
    there = b.server_run(created_at=1000.0, heartbeat_at=heartbeat_at, summary=summary)
    assert lasted(b.evidence(request=Request(source="run"), local=b.local(), server=b.server(there))) == seconds


def test_without_a_beginning_or_a_run_nobody_knows_how_long_it_lasted():
    there = b.server_run(created_at=None, heartbeat_at=1000.0)
    assert lasted(b.evidence(local=b.local(), server=b.server(there))) is None
    assert lasted(b.evidence(local=b.local(), server=b.server())) is None
    folder = Request(source="run_dir", server="none")
    assert lasted(b.evidence(request=folder, local=b.local(b.local_run()))) is None


@pytest.mark.parametrize(
    ("kind", "job_s", "run_s", "short"),
    [
        ("script", 44.0, 40, "the 44 s that the job took"),
        ("script", 46.0, 5, "the 5 s that the run took"),  # torch took 30 s to import
        ("script", 46.0, 31, None),
        ("builtin", 9.0, 5, None),  # it is meant to be watched
    ],
)
def test_what_ends_before_an_upload_need_not_be_visible(kind, job_s, run_s, short):
    found = run(runtime_s=run_s)
    request = found.request.model_copy(update={"job_kind": kind})
    found = found.model_copy(update={"request": request, "watch": Watch(polls=9, job_ended_s=job_s)})
    assert over_before_an_upload(found) == short
