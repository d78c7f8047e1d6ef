"""Mutants that no test needs to notice, and why: nothing else counts as explained."""

import re
from dataclasses import dataclass

from tests.mutation.mutants import Mutant


@dataclass(frozen=True)
class Explained:
    """One kind of change that makes no answer wrong."""

    module: str
    """The end of the module's path, or a folder in it."""
    change: str
    """A regular expression for what is changed and into what."""
    why: str

    def covers(self, mutant: Mutant) -> bool:
        """Whether the mutant is of this kind."""
        return self.module in str(mutant.path) and re.search(self.change, mutant.text) is not None


QUOTED = "how much of a text or a list is quoted, not what"
ON_THE_LIMIT = "seconds that are exactly the limit may be judged either way"

EXPLAINED = (
    Explained("harness/diagnosis/", r"\[:\d+\]  →  .*\[:\d+\]$", QUOTED),
    Explained("harness/diagnosis/", r"^limit=\d+  →  limit=\d+$", QUOTED),
    Explained("harness/diagnosis/", r"^return False  →  return None$", "either is no where only that is asked"),
    Explained("rules/init_script.py", r"^number < at  →  number <= at$", "no line is both a summary and an error"),
    Explained("harness/diagnosis/", r"\blimit: int=\d+(?=.*  →  .*\blimit: int=)", QUOTED),
    Explained("harness/diagnosis/", r"^listed\(.*, \d+\)  →  listed\(.*, \d+\)$", QUOTED),
    Explained("harness/diagnosis/", r"^(.+) [<>]=? (-?[A-Z_]+_S)  →  \1 [<>]=? \2$", ON_THE_LIMIT),
    Explained("harness/diagnosis/", r"^(\w+\.(?:begun|started_at|created_at)) or 0\.0  →  \1 or 1\.0$",
              "what has no time comes first: no run began in the first second of 1970"),
    Explained("diagnosis/duplicates.py", r"^w\.ended >= (.+)  →  w\.ended > \1$", ON_THE_LIMIT),
    Explained("diagnosis/duplicates.py", r"^e\.line < (.+)  →  e\.line <= \1$",
              "a line tells of an epoch or of a run, never of both"),
    Explained("diagnosis/gpu_expectation.py", r"^given > counted  →", "of one number that both tell either is named"),
    Explained("diagnosis/names.py", r"^\((0, 0\.0|1, len.*|3, -ratio)\)  →", "the places keep their order"),
    Explained("diagnosis/names.py", r"^wanted <= words  →", "the same words are told before"),
    Explained("diagnosis/unexplained.py", r"^-\d  →  -\d$", QUOTED),
    Explained("diagnosis/duplicates.py", r"^same\[0\]  →", "all of them are directories of one run"),
    Explained("rules/metrics.py", r"^view\.sketch\[0\]  →", "the values of a metric that is constant are all the same"),
    Explained("rules/reach.py", r"^link\.line <", "a line is not both a run's address and a traceback's end"),
    Explained("rules/system_metrics.py", r"^watch\.job_ended_s <", ON_THE_LIMIT),
    Explained("rules/system_remarks.py", r">= HIGH_PERCENT  →", "90 per cent are as high as a little more"),
    Explained("rules/upload.py", r"^return \(\)  →  return None$", "who calls asks only whether anything is told"),
    Explained("rules/versions.py", r" < (OLDEST_PYTHON|ANCIENT_SDK)  →", "a version has three numbers, these have two"),
    Explained("rules/versions.py", r"^-1  →  -2$", QUOTED),
)  # fmt: skip


def explanation(mutant: Mutant) -> str | None:
    """Why it may survive; None where it may not."""
    return next((kind.why for kind in EXPLAINED if kind.covers(mutant)), None)
