"""Rules of the family end of run: what the closing lines promise and the server does not have."""

from __future__ import annotations

import pytest

from harness.evidence.models import (
    Job,
    LogLine,
    SdkLogs,
    SlurmJob,
)
from harness.judging.families.end_of_run import upload as end_of_upload
from tests.judging.build import (
    evidence,
    hits,
    http,
    job,
    leading,
    local,
    local_run,
    run_with_http,
    server,
    server_run,
)  # fmt: skip
from tests.judging.endings import TORN, killed


def test_closing_line_that_the_server_contradicts():
    found = evidence(job=job("wandb: Synced 4 W&B file(s), 0 media file(s)"), server=server(server_run(rows=1)))
    assert hits(end_of_upload.RULES, found)["end-footer-lies"].values["there"] == "1"
    refused = found.model_copy(
        update={"local": local(run_with_http(http("403", 403, "/x/file_stream", fatal=True), rows=3))}
    )
    from harness.judging.families import RULES

    ids = leading(refused, RULES)
    assert "net-filestream-4xx-fatal" in ids
    assert "end-footer-lies" not in ids


SYNCED = job("wandb: \x1b[32mSynced 4 W&B file(s), 0 media file(s)\x1b[0m")


def test_closing_line_is_shown_as_it_was_read():
    hit = hits(end_of_upload.RULES, evidence(job=SYNCED, server=server(server_run(rows=1))))["end-footer-lies"]
    assert hit.observed == (
        "wandb: Synced 4 W&B file(s), 0 media file(s)",
        "Run abcd1234: 3 rows on disk, 1 on the server.",
    )


@pytest.mark.parametrize(
    ("run", "local_change", "printed"),
    [
        ({"rows": 3}, {}, SYNCED),
        ({"rows": 1}, {}, job("Epoch 3, Loss: 1")),
        ({"rows": 1, "id": "other"}, {}, SYNCED),
        ({"rows": 1}, {"offline": True}, SYNCED),
        ({"rows": 1}, {"log": TORN}, SYNCED),
        ({"rows": 1, "detailed": False}, {}, SYNCED),
        ({"rows": None}, {}, SYNCED),
    ],
    ids=[
        "every row is there", "no closing line", "another run is on the server", "not meant for the server",
        "the run was never closed", "its rows were not read", "its rows could not be counted",
    ],
)  # fmt: skip
def test_closing_line_that_nothing_contradicts(run, local_change, printed):
    found = evidence(job=printed, local=local(local_run(**local_change)), server=server(server_run(**run)))
    assert not hits(end_of_upload.RULES, found)


@pytest.mark.parametrize(
    ("status", "refused"),
    [(400, True), (403, True), (404, True), (409, True), (408, False), (429, False), (500, False), (None, False)],
)
def test_files_that_the_object_store_refused(status, refused):
    """What may be tried again is: a slow answer, too many requests, a server in trouble, no answer."""
    found = evidence(local=local(run_with_http(http("no", status, "/storage/team/vit/config.yaml"), rows=3)))
    seen = hits(end_of_upload.RULES, found)
    assert [h.observed for h in seen.values()] == (
        [(f"/storage/team/vit/config.yaml was answered with HTTP {status}: no",)] if refused else []
    )


def test_files_that_the_server_did_not_take_on():
    words = LogLine(file="debug-internal.log",
                       text="runfiles: CreateRunFiles returned error: returned error 403")  # fmt: skip
    found = evidence(local=local(local_run(sdk_logs=SdkLogs(lines=(words,)))))
    assert set(hits(end_of_upload.RULES, found)) == {"end-files-not-uploaded"}


def test_killed_slurm_job_leaves_files_behind():
    slurm = SlurmJob(job_id="1", final_state="OUT_OF_MEMORY")
    found = killed("OUT_OF_MEMORY", job=Job(ending="out_of_memory", slurm=slurm))
    assert "end-leftover-tmp" in hits(end_of_upload.RULES, found)
