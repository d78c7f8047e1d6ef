"""Says which layer lost data on its way from the script to the server, from which step on, and how much of it."""

from typing import Literal, NamedTuple

from harness.evidence.models import Evidence, LocalRun, ServerRun
from harness.judging.families.network.reach import is_filestream
from harness.judging.families.network.upload import gave_up_in, refusals
from harness.judging.view import SETTLES_S, final_server, seconds_since_end

COMPLETE_SKETCH = 200
"""Series of at most so many points are known point by point."""

Layer = Literal[
    "never written", "written and not sent", "sent and refused", "sent and not readable yet", "sent and not there",
]  # fmt: skip


class Lost(NamedTuple):
    """The layer, and what shows that it was this one."""

    layer: Layer
    why: str = ""

    def __str__(self) -> str:
        return f"{self.layer} ({self.why})" if self.why else self.layer


def upload_lost(local: LocalRun) -> Lost | None:
    """Return what the SDK's own logs say of an upload that was not completed; None where they say nothing."""
    if refused := refusals(local):
        code = next((t.status for t in refused if t.status), None)
        return Lost("sent and refused", f"HTTP {code}" if code else "the SDK gave the upload up")
    if gave_up_in(local):
        return Lost("written and not sent", "the SDK gave up while it was still trying")
    return None


def layer(local: LocalRun, server: ServerRun, evidence: Evidence) -> Lost:
    """Return the layer that lost what the disk has and the server lacks."""
    if lost := upload_lost(local):
        return lost
    if local.offline and not local.synced_marker:
        return Lost("written and not sent", "the upload left no .synced marker")
    if not local.log.has_exit:
        return Lost("written and not sent", "the process ended before its upload")
    since = seconds_since_end(evidence, server)
    if any(not is_filestream(t) or t.status != 429 for t in local.sdk_logs.http):  # after a 429 the stream goes on
        return Lost("written and not sent", "requests failed: see logs/debug-internal.log")
    if since is not None and since <= SETTLES_S:
        waited = final_server(evidence).waited_s
        patience = f", after {waited:.0f} s of waiting" if waited >= 1 else ""
        return Lost("sent and not readable yet", f"asked {since:.0f} s after the end{patience}")
    return Lost("sent and not there", "no log of the SDK tells of trouble")


def first_missing(local: LocalRun, server: ServerRun) -> str:
    """Say from which step on rows are missing on the server, as exactly as series and bounded samples tell it."""
    log = local.log
    if not server.rows:
        return "" if log.first_step is None else f"from the first one on (step {log.first_step})"
    sampled = {key: series.sketch for key, series in server.series.items() if series.sketch}
    held = {step for sketch in sampled.values() for step, _ in sketch}
    own = {s for key in sampled.keys() & log.series.keys() for s, v in log.series[key].sketch if not isinstance(v, str)}
    known = all(s.count <= COMPLETE_SKETCH for s in log.series.values())
    if known and held and (absent := own - held):
        return f"the first one is step {min(absent):.0f}"
    first, end, last = log.first_step, log.last_step, server.last_step
    if first is not None and end is not None and last is not None and last < end:
        if end - first + 1 > log.history_rows:
            return f"the first one comes after step {last}"
        if last - first + 1 <= server.rows:
            return f"the first one is step {last + 1}"
    return "which ones cannot be told from a sample"


def count(number: int, what: str) -> str:
    """Word a number of things: `1 row`, `2 rows`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
