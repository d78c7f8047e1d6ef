"""What was lost is told by kind, number, first missing step, and the layer that lost it."""

import pytest

from harness.evidence.models import EpochSeen, LogLine, Request, SdkLogs, ServerReading, Trouble
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.symptoms.sync import losses
from tests.judging.build import (
    disk_series,
    evidence,
    http,
    job,
    local,
    local_run,
    log,
    logged,
    output,
    server,
    server_run,
)

STREAM = "/files/team/vit/abcd1234/file_stream"
REFUSED = SdkLogs(http=(http("403 Forbidden", 403, STREAM, fatal=True),))
GAVE_UP = SdkLogs(lines=(LogLine(file="debug-internal.log",
                                 text="filestream: fatal error: context canceled"),))  # fmt: skip
FOLDER = Request(source="run_dir", server="none", target="none")
ALONE = Request(source="job_log", server="none", target="none")
EPOCHS = tuple(EpochSeen(epoch=n, line=n) for n in (1, 2, 3))


def compared(server_rows=1, logs=None, *, steps=(0, 1, 2), disk=None, run=None, late_s=10.0, **change):
    """Three rows on disk, some of them on the server, which is asked so long after the end."""
    series = {"loss": disk_series("loss", [3.0, 2.0, 1.0], steps)}
    own = log(series=series, first_step=steps[0], last_step=steps[-1], **(disk or {}))
    held = list(zip(steps, (3.0, 2.0, 1.0), strict=True))[:server_rows]
    known = {"loss": logged("loss", [v for _, v in held], [s for s, _ in held])} if held else {}
    there = server_run(rows=server_rows, series=known, last_step=held[-1][0] if held else None, **(run or {}))
    made = job("x", ended_at=1000.0)
    return evidence(job=made, local=local(local_run(log=own, sdk_logs=logs or SdkLogs(), **change)),
                    server=server(there), created_at=1000.0 + late_s)  # fmt: skip


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (compared(1, REFUSED), "2 of 3 rows are not on the server, the first one is step 1: sent and refused (HTTP"),
        (compared(0, REFUSED), "3 of 3 rows are not on the server, from the first one on (step 0): sent and refused"),
        (compared(1, GAVE_UP), "step 1: written and not sent (the SDK gave up while it was still trying)"),
        (compared(1, disk={"has_exit": False}), "step 1: written and not sent (the process ended before its upload)"),
        (compared(1, offline=True), "step 1: written and not sent (the upload left no .synced marker)"),
        (compared(1, SdkLogs(http=(http("timeout", None, STREAM),))), "written and not sent (requests failed"),
        (compared(1), "step 1: sent and not readable yet (asked 10 s after the end)"),
        (compared(1, late_s=3600.0), "step 1: sent and not there (no log of the SDK tells of trouble)"),
        (compared(1, steps=(0, 5, 9)), "2 of 3 rows are not on the server, the first one is step 5"),
    ],
)  # fmt: skip
def test_rows_that_the_server_lacks(found, said):
    assert said in losses(found)[0]


LONG = {"history_rows": 1000, "last_step": 999}
LATE = {"history_rows": 1000, "first_step": 500, "last_step": 1499}


@pytest.mark.parametrize(
    ("disk", "there", "said"),
    [
        (LONG, {"rows": 900, "last_step": 899}, "100 of 1000 rows are not on the server, the first one is step 900"),
        (LATE, {"rows": 900, "last_step": 1399}, "the first one is step 1400"),
        (LATE, {"rows": 950, "last_step": 949}, "the first one is step 950"),
        ({**LONG, "last_step": 1000}, {"rows": 900, "last_step": 899}, "the first one comes after step 899"),
        ({**LONG, "last_step": 4000}, {"rows": 900, "last_step": 4000}, "which ones cannot be told from a sample"),
        (LONG, {"rows": 899, "last_step": 899}, "which ones cannot be told from a sample"),
        (LONG, {"rows": 900, "last_step": 999}, "which ones cannot be told from a sample"),
        (LONG, {"rows": 900, "last_step": None}, "which ones cannot be told from a sample"),
        ({**LONG, "first_step": None, "last_step": None}, {"rows": 900}, "which ones cannot be told from a sample"),
    ],
    ids=[
        "broken off", "broken off, from a later step on", "the second half of a resumed run", "a step was left out",
        "steps with gaps, missing between", "broken off, and a row between is missing", "missing between",
        "no step there", "no step here",
    ],
)  # fmt: skip
def test_of_a_long_run_the_first_missing_step_is_told_by_the_last_one_that_is_there(disk, there, said):
    own = log(series={"loss": disk_series("loss", [1.0, 2.0], count=1000)}, **disk)
    found = evidence(local=local(local_run(log=own)), server=server(server_run(**there)))
    assert said in losses(found)[0]


@pytest.mark.parametrize(
    ("points", "said"), [(200, "the first one is step 50"), (201, "which ones cannot be told from a sample")]
)
def test_a_hole_is_found_as_long_as_series_are_known_point_by_point(points, said):
    steps = [n for n in range(points) if n != 50]
    own = log(series={"loss": disk_series("loss", range(points))}, history_rows=points, last_step=points - 1)
    held = {"loss": logged("loss", steps, steps)}
    there = server_run(rows=points - 1, series=held, last_step=points - 1)
    found = evidence(local=local(local_run(log=own)), server=server(there))
    assert f"1 of {points} rows are not on the server, {said}" in losses(found)[0]


def test_where_the_first_row_was_logged_is_not_made_up():
    own = log(first_step=None, last_step=None, series={})
    found = evidence(local=local(local_run(log=own, sdk_logs=REFUSED)), server=server(server_run(rows=0, series={})))
    assert "3 of 3 rows are not on the server: sent and refused" in losses(found)[0]


@pytest.mark.parametrize(
    ("disk", "there", "said"),
    [
        ({"summary": {"loss": 1.0, "best": 2.0}}, {"summary": {"loss": 1.0}}, "the server lacks summary best"),
        ({"config": {"lr": 0.1, "wd": 0.2, "a.b": 1}}, {"config": {"lr": 0.1}}, "the server lacks config wd"),
        ({"console_lines": 6}, {"console_lines": 0}, "the server lacks 6 console lines"),
        ({"system_samples": 4}, {"event_rows": 0}, "the server lacks 4 system samples"),
        ({"exit_code": 1}, {}, "exit code 1 on disk, finished on the server"),
        ({"series": {"acc": disk_series("acc", [1.0] * 3)}},
         {"series": {"acc": logged("acc", [1.0] * 2)}}, "1 of 3 points of acc are not on the server"),
    ],
)  # fmt: skip
def test_other_differences_are_named(disk, there, said):
    whole = compared(3, disk=disk, run=there, late_s=120.0) if "series" not in disk else evidence(
        local=local(local_run(log=log(**disk))), server=server(server_run(**there))
    )  # fmt: skip
    assert [text for text in losses(whole) if said in text]


@pytest.mark.parametrize(
    "there", [{"console_lines": 5}, {"console_lines": None}, {"event_rows": 9}, {"detailed": False, "config": {}}]
)
def test_what_may_differ_is_no_loss(there):
    disk = {"console_lines": 6, "system_samples": 4, "config": {"learning_rate": 0.001}}
    assert losses(compared(3, disk=disk, run=there)) == []


@pytest.mark.parametrize("count", [{"console_lines": 6}, {"system_samples": 4}])
def test_counts_that_may_not_be_readable_yet_are_no_loss(count):
    there = {"console_lines": 0, "event_rows": 0}
    assert losses(compared(3, disk=count, run={**there, "detailed": True}, late_s=5.0)) == []
    assert losses(compared(3, GAVE_UP, disk=count, run={**there, "detailed": True}, late_s=5.0))


def test_what_was_never_written_is_counted_by_the_output():
    own = log(status="header_only", size_bytes=7, has_exit=False, history_rows=0)
    found = evidence(local=local(local_run(log=own)), job=job(output=output("x", epochs=EPOCHS)),
                     server=server(server_run(rows=0, series={})))  # fmt: skip
    told = "its log holds nothing but a header (7 bytes); never written: 3 rows of 3 that the output tells of"
    assert losses(found)[0].endswith(told)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (local_run(sdk_logs=REFUSED), "sent and refused (HTTP 403); 3 rows on disk"),
        (local_run(offline=True), "it was never uploaded"),
        (local_run(log=log(status="torn", has_exit=False), writer="gone"), "its log breaks off in a record"),
        (local_run(log=log(status="torn", has_exit=False)), "whether its job still runs is not known here"),
        (local_run(sdk_logs=REFUSED, synced_marker=True), None),
        (local_run(), None),
    ],
)
def test_a_folder_alone_tells_what_is_not_safe(run, said):
    found = losses(evidence(request=FOLDER, job=None, setup=None, local=local(run), server=ServerReading()))
    assert (said in found[0]) if said else not found


def test_output_alone_tells_of_a_refusal_and_else_of_nothing():
    printed = job("wandb: WARNING Fatal error while uploading data. Some run data will not be synced")
    given = {"request": ALONE, "setup": None, "local": local(), "server": ServerReading()}
    assert losses(evidence(job=printed, **given))[0].startswith("sent and refused: wandb: WARNING Fatal error")
    with pytest.raises(NotApplicable, match="only job output"):
        losses(evidence(job=job("fine"), **given))


def test_a_server_that_could_not_be_read_is_not_compared():
    unread = ServerReading(status="failed", trouble=Trouble(kind="timeout", text="no answer"))
    with pytest.raises(NotChecked, match="no answer"):
        losses(evidence(server=unread))


@pytest.mark.parametrize("value", [{}, {"optimizer": {}}])
def test_a_dictionary_without_a_leaf_is_not_sent_so_it_is_not_lost(value):
    on_disk = local(local_run(log=log(config={"lr": 0.1, "opt_kwargs": value})))
    assert losses(evidence(local=on_disk, server=server(server_run(config={"lr": 0.1})))) == []
    there = local(local_run(log=log(config={"lr": 0.1, "opt_kwargs": {"beta": 0}})))
    assert "opt_kwargs" in losses(evidence(local=there, server=server(server_run(config={"lr": 0.1}))))[0]


def test_of_a_run_that_was_started_twice_the_last_start_decides_the_end():
    folders = [
        local_run(path=f"/w/{n}", started_at=1000.0 + n, log=log(exit_code=code, history_rows=0))
        for n, code in enumerate((0, 1))
    ]
    failed = server(server_run(state="failed", rows=0, series={}, last_step=None))
    assert losses(evidence(job=job("x", ended_at=1000.0), local=local(*folders), server=failed)) == []
    assert losses(evidence(job=job("x", ended_at=1000.0), local=local(folders[0]), server=failed)) == [
        f"run {folders[0].run_id}: exit code 0 on disk, failed on the server"
    ]
