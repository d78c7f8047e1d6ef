"""Rules for the family end of run: what the closing lines promise and the server does not have."""

import re
from collections.abc import Iterator

from harness.evidence.models import Evidence
from harness.judging.families.network.reach import is_filestream, is_graphql, shorten
from harness.judging.rule import Hit, Rule
from harness.judging.view import final_server, find_lines, http_troubles, sdk_log_lines

FILE_TROUBLE = (
    r"[Ff]ile ?[Tt]ransfer.*(?:[Ee]rror|[Ff]ail)|[Ff]ailed to upload file|uploader: error"
    r"|CreateRunFiles returned error"
)
SYNCED = r"Synced \d+ W&B file\(s\)"


def files_refused(evidence: Evidence) -> Iterator[Hit]:
    """The server or its object store refused files while the run itself got through."""
    runs = {run.id: run for run in final_server(evidence).runs}
    refused = [t for t in http_troubles(evidence) if not is_graphql(t) and not is_filestream(t) and _refused(t.status)]
    logged = sdk_log_lines(evidence, FILE_TROUBLE, limit=2)
    if not runs or not (refused or logged):
        return
    words = [f"{t.path} was answered with HTTP {t.status}: {t.text}" for t in refused[:2]]
    yield Hit(id="end-files-not-uploaded", observed=tuple(map(shorten, (*words, *logged))))


def _refused(status: int | None) -> bool:
    return status is not None and 400 <= status < 500 and status not in (408, 429)


def footer_lies(evidence: Evidence) -> Iterator[Hit]:
    """A closed run with all its rows on disk, and fewer on the server."""
    footer = find_lines(evidence, SYNCED, limit=1)
    if not footer:
        return
    runs = {run.id: run for run in final_server(evidence).runs}
    for local in evidence.local.runs:
        server = runs.get(local.run_id)
        if server is None or local.offline or not local.log.has_exit or not server.detailed or server.rows is None:
            continue
        if server.rows < local.log.history_rows:
            observed = (
                re.sub(r"\x1b\[[0-9;]*m", "", footer[0]),
                f"Run {local.run_id}: {local.log.history_rows} rows on disk, {server.rows} on the server.",
            )
            values = {"there": str(server.rows), "rows": str(local.log.history_rows), "run_dir": local.path}
            yield Hit(id="end-footer-lies", observed=observed, values=values)
            return


def left_in_tmp(evidence: Evidence) -> Iterator[Hit]:
    """A killed job on nodes whose /tmp is memory."""
    job = evidence.job
    killed = job is not None and job.slurm is not None and job.ending in ("out_of_memory", "timeout", "cancelled")
    if killed and any(not run.log.has_exit for run in evidence.local.runs):
        yield Hit(id="end-leftover-tmp", observed=("A run of this job was not closed.",))


RULES: tuple[Rule, ...] = (files_refused, footer_lies, left_in_tmp)
