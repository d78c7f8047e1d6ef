"""Tells what of a closed run the server shows nothing of, though it does not come with the rows."""

from harness.evidence.models import LocalRun, ServerRun

CONSOLE_LINE = "console line"
SYSTEM_SAMPLE = "system sample"


def unshown(local: LocalRun, server: ServerRun) -> dict[str, int]:
    """Count console lines and system samples on disk where the server has none at all of them.

    A run that was resumed has more on the server, and a few lines may be joined there: only a lack of all is sure.
    """
    log = local.log
    if not server.detailed or log.status != "complete":
        return {}
    counts = (
        (CONSOLE_LINE, log.console_lines, server.console_lines),
        (SYSTEM_SAMPLE, log.system_samples, server.event_rows),
    )
    return {what: have for what, have, held in counts if have and held == 0}
