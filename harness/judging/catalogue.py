"""The catalogue of faults: loads and checks the data files, one for each family."""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from harness.judging.cures.cure import CureKind
from harness.judging.rule import Severity

FAMILIES = (
    "credentials", "mode_and_sync", "network", "init", "duplicate_runs",
    "metrics", "system_metrics", "job", "live", "end_of_run", "rehearsal", "versions",
)  # fmt: skip

STAGES = (
    "interpreter", "credentials", "network", "permission", "mode", "submission", "start", "container", "launch", "init",
    "duplicates", "training", "upload", "finish", "lost", "metrics", "system", "sync", "rehearsal", "reader", "generic",
)  # fmt: skip
"""When in the life of a job a cause strikes, in order; the earliest cause is the root cause."""


class Symptom(BaseModel):
    """An exact text that users may have seen, and the SDK versions that print it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    versions: str = ""
    pattern: str | None = None
    """A regular expression for `explain --log`; the text itself is matched where it is missing."""


class Advice(BaseModel):
    """One step that mends the fault; `{name}` is filled in from the evidence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    when: str | None = None
    """Condition such as `lumi`, `local`, `cloud`, `loopback`, `container`, `sdk<0.22.3`; several joined by `and`."""
    cure: CureKind | None = None
    """How it is carried out: of `shell` and `settings` the indented lines are the commands."""
    edit: str | None = None
    """For `edit`: one of `harness.judging.cures.edits` and its arguments, filled in like the text."""
    needs: str = ""
    """For `edit`: a line of bash without which the edit does not help, filled in like the text."""

    @property
    def shown(self) -> str:
        """The text as people read it: a `#` keeps what is for later, or to look at, out of the cure's commands."""
        return self.text.replace("\n  # ", "\n  ") if self.cure == "outside" else self.text


class Entry(BaseModel):
    """One fault of the catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    family: str
    severity: Severity
    stage: str
    title: str
    meaning: str
    symptoms: tuple[Symptom, ...] = ()
    advice: tuple[Advice, ...]
    guide_section: str
    links: tuple[str, ...] = ()
    fails: tuple[str, ...] = ()
    follows_from: tuple[str, ...] = ()
    """Ids (or patterns such as `net-*`) of which this is a mere consequence: dropped where one of them is found."""
    sdk: str = ""
    proof: Literal["real_sdk", "real_slurm", "real_files", "evidence"] = "evidence"
    """How the rule was proven: with the fault injected into a real part, or on evidence built from the source."""
    source: str = ""


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Entry]:
    """Every entry by id, in the order of the families.

    Raises:
        ValueError: an id stands twice or a data file breaks the schema.
    """
    entries: dict[str, Entry] = {}
    folder = files("harness.judging.families")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for family in FAMILIES:
        text = (folder / family / "catalogue.yaml").read_text(encoding="utf-8")
        for raw in yaml.load(text, Loader=loader) or ():  # noqa: S506 - CSafeLoader is the safe loader in C
            entry = Entry.model_validate({**raw, "family": family, "advice": [_advice(a) for a in raw["advice"]]})
            if entry.id in entries or entry.stage not in STAGES:
                raise ValueError(f"catalogue entry {entry.id}: the id stands twice or the stage is unknown")
            entries[entry.id] = entry
    return entries


def _advice(raw: str | dict[str, str]) -> dict[str, str]:
    return {"text": raw} if isinstance(raw, str) else raw


def version_key(version: str) -> tuple[int, ...]:
    """Order SDK versions by their numbers: `0.31.0rc1` sorts as 0.31.0."""
    return tuple(int(n) for n in re.findall(r"\d+", re.split("rc|dev", version)[0])[:3])
