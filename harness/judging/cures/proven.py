"""How often a fault's cure mended it in the tests: a table that `make cures` writes, and that `explain` reads."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

FILE = "proven.json"
Outcome = Literal["first", "in steps", "by hand", "outside", "not cured"]
OUTCOMES: Mapping[Outcome, str] = {
    "first": "mended by the first cure",
    "in steps": "mended by the cures of several causes, one after the other",
    "by hand": "mended by an edit that the cure shows and somebody has to write",
    "outside": "somebody else has to act",
    "not cured": "not mended",
}


class Proven(BaseModel):
    """What came of the cures of every fault that the tests inject."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sdk: str
    date: str
    """Day on which it was last written."""
    faults: Mapping[str, Mapping[str, Outcome]]
    """By fault and by scenario."""

    def told(self, fault: str) -> str:
        """In which share of the tests a fault was mended, in words; empty for one that is not injected."""
        came = list(self.faults.get(fault, {}).values())
        parts = [f"{words} in {came.count(how)} of {len(came)}" for how, words in OUTCOMES.items() if how in came]
        return f"In the tests: {', '.join(parts)} (wandb {self.sdk}, {self.date})" if parts else ""


@lru_cache(maxsize=1)
def proven() -> Proven:
    """The table of this version of the harness."""
    return Proven.model_validate_json((files("harness.judging.cures") / FILE).read_text(encoding="utf-8"))
