"""What broke of a job that runs: by the evidence itself, or by what a watch of it saw since; one answer for all."""

from collections.abc import Mapping

from harness.evidence.models import Evidence, Seen
from harness.judging.live.of_evidence import life_of
from harness.judging.live.troubles import Trouble, troubles
from harness.judging.live.words import sentence, span

LIVE = "live-"
"""How the faults begin that signs of life tell of."""


def broken(evidence: Evidence) -> tuple[Trouble, ...]:
    """Return what broke; a problem that a watch noted and has not seen mended stands."""
    life = life_of(evidence)
    if life is None:
        return ()
    found = troubles(life)
    noted = standing(evidence.watched)
    return found if found or noted is None else (_trouble(noted, evidence.created_at),)


def standing(seen: tuple[Seen, ...]) -> Seen | None:
    """Return the problem of the signs of life that a watch noted last, unless it was mended."""
    last = next((s for s in reversed(seen) if s.event in ("problem", "mended")), None)
    return last if last is not None and last.event == "problem" and last.problem.startswith(LIVE) else None


def _trouble(noted: Seen, read_at: float) -> Trouble:
    when = f"{span(abs(noted.at - read_at))} {'after' if noted.at >= read_at else 'before'} the run was read"
    values: Mapping[str, str] = {"stands": noted.words, "silent": noted.words.partition(": ")[0]}
    return Trouble(noted.problem, noted.words, (f"{sentence(noted.words)} A watch saw it {when}.",), dict(values))
