"""Run directories that were judged, in words: what is there, what was sent, what can be recovered, what is lost."""

from harness.diagnosis.recovery import recovery
from harness.evidence.models import Evidence, LocalRun

MOST = 4
HEADINGS = ("on disk", "sent", "`wandb sync` would recover", "lost for good")


def told(evidence: Evidence | None) -> list[tuple[LocalRun, list[str]]]:
    """Return each run directory with its sentences, where a folder was to be judged; the first ones only."""
    if evidence is None or evidence.request.source != "run_dir":
        return []
    runs = evidence.local.runs[:MOST]
    return [(run, [f"{what}: {text}" for what, text in zip(HEADINGS, recovery(run), strict=True)]) for run in runs]
