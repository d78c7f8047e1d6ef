"""What the reading itself, a restart or a setting makes look odd is not taken for a fault of the metrics."""

import pytest

from harness.evidence.models import EpochSeen, Place, SdkLogs, SdkSettings
from harness.evidence.models.wandb_log import RunFacts
from harness.judging.families.metrics.rules import RULES
from harness.judging.findings import diagnose
from tests.judging import build as b
from tests.judging.metric_runs import FALLING, online, request


def ids(found):
    return set(b.hits(RULES, found))


def test_reader_with_the_scan_bug():
    empty = b.server_run(series={}, rows=0, last_step=9)
    found = b.evidence(request=request(), server=b.server(empty, reader_version="0.27.1"))
    finding = diagnose(found, RULES)[0]
    assert finding.id == "metric-reader-scan-bug"
    assert finding.title == "wandb 0.27.1 reads no rows from runs that have rows"
    assert "metric-reader-scan-bug" not in ids(
        found.model_copy(update={"server": b.server(empty, reader_version="0.28.0")})
    )


@pytest.mark.parametrize(("samples", "expected"), [(4, {"metric-reader-and-semantics"}), (0, set())])
def test_reader_that_asked_for_joint_rows(samples, expected):
    """Where no system sample was read either, it is the whole reading that failed."""
    series = {k: b.server_series(k, sketch=()) for k in ("loss", "acc")}
    run = b.server_run(series=series, system_samples=samples)
    assert ids(b.evidence(request=request(), server=b.server(run))) == expected


def test_reader_that_counted_a_sample():
    found = online({"loss": range(500, 0, -1), "acc": range(500)}, disk={"loss": range(600, 0, -1)})
    assert ids(found) == {"metric-reader-sampling"}


@pytest.mark.parametrize(("since", "expected"), [(5.0, {"metric-reader-too-early"}), (600.0, set())])
def test_read_too_early(since, expected):
    job = b.job().model_copy(update={"ended_at": 2000.0})
    found = online({}, disk={"loss": FALLING, "acc": FALLING}, job=job).model_copy(
        update={"created_at": 2000.0 + since}
    )
    assert ids(found) == expected


@pytest.mark.parametrize(
    ("state", "rows", "shown"),
    [
        ("finished", 1, "5 s after the end, the server shows 1 of the 3 rows on disk, and the run as finished."),
        (
            "running", None,
            "5 s after the end, the server shows an unknown number of the 3 rows on disk, and the run as running.",
        ),
    ],
)  # fmt: skip
def test_what_the_server_shows_too_early(state, rows, shown):
    job = b.job().model_copy(update={"ended_at": 2000.0})
    found = b.evidence(job=job, server=b.server(b.server_run(state=state, rows=rows)), created_at=2005.0)
    assert b.hits(RULES, found)["metric-reader-too-early"].observed == (shown,)


@pytest.mark.parametrize("lacking", [{"event_rows": 0}, {"console_lines": 0}])
@pytest.mark.parametrize(("since", "expected"), [(5.0, {"metric-reader-too-early"}), (600.0, set())])
def test_counts_read_too_early(lacking, since, expected):
    log = b.log(system_samples=4, console_lines=6)
    run = b.server_run(detailed=True, **{"event_rows": 4, "console_lines": 6, **lacking})
    job = b.job().model_copy(update={"ended_at": 2000.0})
    found = b.evidence(local=b.local(b.local_run(log=log)), server=b.server(run), job=job, created_at=2000.0 + since)
    found_hits = b.hits(RULES, found)
    assert set(found_hits) == expected
    if expected:
        told = "none of the 4 system samples" if "event_rows" in lacking else "none of the 6 console lines"
        assert told in found_hits["metric-reader-too-early"].observed[1]
        assert bool(found_hits["metric-reader-too-early"].fails) is ("event_rows" in lacking)


def test_rows_behind_after_a_refused_upload_are_lost_not_late():
    log = b.log(history_rows=3)
    local = b.local(b.local_run(log=log, sdk_logs=SdkLogs(http=(b.http(status=403, path="/files/x/file_stream"),))))
    job = b.job().model_copy(update={"ended_at": 2000.0})
    found = online({}, job=job, local=local).model_copy(update={"created_at": 2001.0})
    assert "metric-reader-too-early" not in ids(found)


BEGAN_AGAIN, WENT_ON = (1, 2, 1, 2), (1, 2, 3, 4)
RESUMED = RunFacts(resumed=True, starting_step=2)
EPOCHS = {
    "begins again": (BEGAN_AGAIN, RESUMED, {"metric-resumed-offset"}),
    "goes on": (WENT_ON, RESUMED, set()),
    "several rows in each epoch": ((1, 1, 2, 2), RESUMED, set()),
    "a new run whose script trains twice": (BEGAN_AGAIN, RunFacts(), set()),
    "a new run that was allowed to resume": (BEGAN_AGAIN, RunFacts(starting_step=2), set()),
    "resumed before its first row": (BEGAN_AGAIN, RunFacts(resumed=True, starting_step=0), set()),
    "nothing of the run was written": (BEGAN_AGAIN, None, set()),
}


@pytest.mark.parametrize(("epochs", "facts", "expected"), EPOCHS.values(), ids=EPOCHS)
def test_resumed_run(epochs, facts, expected):
    found = online({"loss": (4, 3, 2, 1), "acc": (1, 2, 3, 4), "epoch": epochs})
    run = found.local.runs[0]
    log = run.log.model_copy(update={"run": facts})
    found = found.model_copy(update={"local": b.local(run.model_copy(update={"log": log}))})
    assert ids(found) == expected


WHOLE = {n: float(n) for n in range(6)}
OWN_PARTS = {
    "begins anew at 0": (WHOLE, {3: 0.0, 4: 1.0, 5: 2.0}, {"metric-resumed-offset"}),
    "begins anew after one row": (WHOLE, {1: 0.0, 2: 1.0}, {"metric-resumed-offset"}),
    "goes on": (WHOLE, {3: 3.0, 4: 4.0, 5: 5.0}, set()),
    "from the start, and the disk lost the rest": (WHOLE, {0: 0.0, 1: 1.0}, set()),
    "nobody logged epochs before": ({3: 0.0, 4: 1.0, 5: 2.0}, {3: 0.0, 4: 1.0, 5: 2.0}, set()),
    "not on this disk": (WHOLE, {}, set()),
}


@pytest.mark.parametrize(("whole", "own", "expected"), OWN_PARTS.values(), ids=OWN_PARTS)
def test_resumed_run_whose_first_part_was_another_job(whole, own, expected):
    disk = {"epoch": own} if own else {}
    found = online({"loss": range(6, 0, -1), "acc": range(6), "epoch": whole}, disk=disk,
                   job=b.job("wandb: Resuming run again1"))  # fmt: skip
    assert ids(found) == expected


def printed(*epochs):
    """Output of a job whose ranks printed these losses: (epoch, loss)."""
    return b.job(output=b.output("x", epochs=tuple(EpochSeen(epoch=epoch, loss=loss) for epoch, loss in epochs)))


LOSSES = {
    "each its own": (((1, 3.0), (1, 3.2)), {}, True),
    "one rank is ahead": (((1, 3.0), (2, 2.0), (1, 3.2)), {}, True),
    "rank 0 alone prints": (((1, 3.0), (2, 2.0)), {}, False),
    "the average is logged": (((1, 2.9), (1, 3.1)), {}, False),
    "nobody knows how many ranks": (((1, 3.0), (1, 3.2)), {"nproc": None}, False),
}


@pytest.mark.parametrize(("epochs", "asked", "told"), LOSSES.values(), ids=LOSSES)
def test_ranks_print_their_own_loss(epochs, asked, told):
    asked = request().model_copy(update=asked)
    found = b.hits(RULES, online({"loss": FALLING, "acc": FALLING}, job=printed(*epochs), request=asked))
    words = ("Epoch 1 has 2 different losses in the output; one of them was logged.",)
    assert {key: hit.observed for key, hit in found.items()} == ({"metric-rank0-local-only": words} if told else {})


def test_a_loss_of_0_is_not_that_of_a_rank_that_logged_none():
    """A run whose losses were all NaN: there is no number to find among what the ranks printed."""
    found = online({"loss": ("NaN", "NaN", "NaN"), "acc": FALLING}, job=printed((1, 0.0), (1, 3.2)))
    assert ids(found) == {"metric-nan-loss"}


CONSOLE_OFF = {
    "WANDB_CONSOLE=off.": {"setup": b.setup(place=Place(host="nid005001", variables={"WANDB_CONSOLE": "off"}))},
    "console=off in a settings file.": {"setup": b.setup(sdk=SdkSettings(mode="online", console="off"))},
    "console=off in the settings of /w/run-1.": {
        "local": b.local(b.local_run(path="/w/run-1", log=b.log(settings={"console": "off"})))
    },
}


@pytest.mark.parametrize(("told", "change"), CONSOLE_OFF.items())
def test_console_off(told, change):
    asked = request(expect=("loss",))
    assert b.hits(RULES, b.evidence(request=asked, **change))["console-log-missing"].observed == (told,)
