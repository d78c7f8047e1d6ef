"""Run directories that were judged, in words: what is there, what was sent, what can be recovered, what is lost."""

from collections.abc import Iterator
from typing import NamedTuple

from harness.evidence.models import Evidence, LocalRun
from harness.judging.recovery import recovery

MOST = 4
HEADINGS = ("on disk", "sent", "wandb sync would recover", "lost for good")


class Sentence(NamedTuple):
    """A sentence, and the command that it ends in, if any."""

    words: str
    command: str


def told(evidence: Evidence | None) -> list[tuple[LocalRun, list[Sentence]]]:
    """Return each run directory with its sentences, where a folder was to be judged; the first ones only."""
    if evidence is None or evidence.request.source != "run_dir":
        return []
    return [(run, [*_sentences(run)]) for run in evidence.local.runs[:MOST]]


def _sentences(run: LocalRun) -> Iterator[Sentence]:
    for what, text in zip(HEADINGS, recovery(run), strict=True):
        words, sign, rest = text.partition(": wandb sync ")
        yield Sentence(f"{what}: {words}", f"wandb sync {rest}" if sign else "")


def others(evidence: Evidence | None) -> str:
    """Say how many run directories were left aside: a folder may hold the runs of many jobs; empty for none."""
    if evidence is None or evidence.request.source != "run_dir":
        return ""
    older = evidence.local.older_runs
    rest = max(0, len(evidence.local.runs) - MOST)
    told = [f"{older} of earlier jobs: name one with --run-dir to judge it"] if older else []
    told += [f"{rest} of this job, in evidence.json"] if rest else []
    return f"more run directories: {'; '.join(told)}" if told else ""
