"""Mutants that no test needs to notice, and why: nothing else counts as explained."""

import re
from dataclasses import dataclass

from lab.mutation.mutants import Mutant


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
ONE_BY_ONE = "what is not taken at once is taken one by one, with the same result"

EXPLAINED = (
    Explained("harness/judging/", r"^(?!signals).*\[:\d+\]  →  .*\[:\d+\]$", QUOTED),
    Explained("harness/judging/", r"^limit=\d+  →  limit=\d+$", QUOTED),
    Explained("harness/judging/", r"^return False  →  return None$", "either is no where only that is asked"),
    Explained(
        "judging/families/init/script.py", r"^number < at  →  number <= at$", "no line is both a summary and an error"
    ),
    Explained("harness/judging/", r"\blimit: int=\d+(?=.*  →  .*\blimit: int=)", QUOTED),
    Explained("harness/judging/", r"^listed\(.*, \d+\)  →  listed\(.*, \d+\)$", QUOTED),
    Explained("harness/judging/", r"^(.+) [<>]=? (-?[A-Z_]+_S)  →  \1 [<>]=? \2$", ON_THE_LIMIT),
    Explained(
        "harness/judging/",
        r"^(\w+\.(?:begun|started_at|created_at)) or 0\.0  →  \1 or 1\.0$",
        "what has no time comes first: no run began in the first second of 1970",
    ),
    Explained("judging/duplicates.py", r"^w\.ended >= (.+)  →  w\.ended > \1$", ON_THE_LIMIT),
    Explained(
        "judging/duplicates.py",
        r"^(e\.line|n) < (.+)  →  \1 <= \2$",
        "a line tells of a beginning, an epoch or an end, never of two of them",
    ),
    Explained("judging/expected_gpus.py", r"^given > counted  →", "of one number that both tell either is named"),
    Explained("judging/metric_names.py", r"^\((0, 0\.0|1, len.*|3, -ratio)\)  →", "the places keep their order"),
    Explained("judging/unexplained.py", r"^-\d  →  -\d$", QUOTED),
    Explained("judging/duplicates.py", r"^same\[0\]  →", "all of them are directories of one run"),
    Explained(
        "judging/families/metrics/rules.py",
        r"^view\.sketch\[0\]  →",
        "the values of a metric that is constant are all the same",
    ),
    Explained(
        "judging/families/network/reach.py",
        r"^link\.line <",
        "a line is not both a run's address and a traceback's end",
    ),
    Explained("judging/families/system_metrics/rules.py", r"^watch\.job_ended_s <", ON_THE_LIMIT),
    Explained(
        "judging/families/system_metrics/remarks.py", r">= HIGH_PERCENT  →", "90 per cent are as high as a little more"
    ),
    Explained(
        "judging/families/network/upload.py",
        r"^return \(\)  →  return None$",
        "who calls asks only whether anything is told",
    ),
    Explained(
        "judging/families/versions/rules.py",
        r" < (OLDEST_PYTHON|ANCIENT_SDK)  →",
        "a version has three numbers, these have two",
    ),
    Explained("judging/families/versions/rules.py", r"^-1  →  -2$", QUOTED),
    Explained("wandb_log/", r"^strict=True  →  strict=False$", "by construction both have the same length"),
    Explained("wandb_log/", r"^(if )?(not )?max\(map\(len, payloads\)\) (<=|>) LARGE  →", ONE_BY_ONE),
    Explained("wandb_log/assembly.py", r"^self\._(size|orphan_start) = 0  →", "set again where a record begins"),
    Explained("wandb_log/exact.py", r"^(samples\[0\]\[0\]|path is not None|tail\[2\] \+ 3)  →", ONE_BY_ONE),
    Explained("wandb_log/exact.py", r"^return None if None in texts .*  →  return None$", ONE_BY_ONE),
    Explained(
        "wandb_log/exact.py",
        r"^tail\[2\] < 128  →  tail\[2\] <",
        "128 begins a length of two bytes, which leaves no room for a value but the empty one",
    ),
    Explained("wandb_log/flat.py", r"^self\._below\[above\] \+= 1  →", "a count too high costs a search in vain"),
    Explained("wandb_log/framing.py", r"^(kind == FULL|stop <= end)  →", "the same is asked again a line below"),
    Explained("wandb_log/helper.py", r"^daemon=True  →", "the thread ends with the helper, which is always closed"),
    Explained(
        "wandb_log/summary_records.py", r"^(.* > _SDK_RECORD|-_LOOK_BACK - 1|keys and nested_keys)  →", ONE_BY_ONE
    ),
    Explained("wandb_log/segment.py", r"^(tag = 0|return 0)  →", "no number but those of two types counts"),
    Explained(
        "wandb_log/segment.py", r"^5 if (.+) else 1  →  5 if \1 else 2$", "neither byte of so long a number is a tag"
    ),
    Explained(
        "wandb_log/segments.py",
        r"^(file_size >= helper_from|os\.sched_getaffinity\(0\))  →",
        "whether a second process helps changes nothing that is read",
    ),
    Explained(
        "wandb_log/segments.py",
        r"^(self\._next (>=|<) limit|self\._due not in self\._done)  →",
        "when a segment is decoded and by whom, not what it holds",
    ),
    Explained("wandb_log/segments.py", r"^(_PATIENCE_S|wait_s) if .+ else 0  →", "how long the helper is waited for"),
    Explained("wandb_log/segments.py", r"^self\._due < self\._file_size  →", "at the file's end nothing is left"),
    Explained("wandb_log/series.py", r"^return False  →  return None$", "either is no"),
    Explained(
        "wandb_log/system.py",
        r"len\(self\._times\) >= self\._gathered",
        "how many samples are summed up at a time, not which",
    ),
    Explained("wandb_log/values.py", r"^MAX_KEY \* 4  →", QUOTED),
    Explained("wandb_log/values.py", r"^value > 0  →  value >", "a number of so many digits is neither 0 nor 1"),
    Explained("wandb_log/schema.py", r"^range\(4096\)  →", "a longer table of prefixes says the same"),
    Explained("wandb_log/reader.py", r"\b\d+ \* 1024\b", "how much is read at once, and from which size on by two"),
)


def explanation(mutant: Mutant) -> str | None:
    """Why it may survive; None where it may not."""
    return next((kind.why for kind in EXPLAINED if kind.covers(mutant)), None)
