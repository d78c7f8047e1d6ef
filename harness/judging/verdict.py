"""What diagnosis says: findings that explain causes, and the verdict document that holds them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["error", "warning", "info"]
Outcome = Literal["passed", "failed", "blocked", "not_applicable", "not_checked"]


class Hit(BaseModel):
    """A rule's word that a fault is there: which one, and what was observed; the catalogue says the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    observed: tuple[str, ...]
    """What in the evidence shows it, in short sentences or quoted lines."""
    values: dict[str, str] = {}
    """Values that the advice is filled with, beside the common ones of `harness.judging.advice`."""
    fails: tuple[str, ...] | None = None
    """Checks that fail because of it, where the catalogue's list is too wide (one metric of several, say)."""
    severity: Severity | None = None
    """Overrides the catalogue's severity for this one case."""


class Finding(BaseModel):
    """A cause in the words of the catalogue, filled in with what was observed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    severity: Severity
    title: str
    observed: tuple[str, ...]
    advice: tuple[str, ...]
    guide_section: str
    links: tuple[str, ...]
    explains: tuple[str, ...]
    """Names of the checks that did not pass because of it."""
    fails: tuple[str, ...] = Field(default=(), exclude=True)
    """Checks that it makes fail: short names or `name[param]`."""
    blocks: tuple[str, ...] = Field(default=(), exclude=True)
    """Checks that merely follow; blocked once one of `fails` has failed."""
    stage: int = Field(default=0, exclude=True)
    """Earlier causes have smaller numbers; a saved verdict is in order already."""

    def covers(self, check: str) -> Literal["fails", "blocks"] | None:
        """Say whether it explains a check, given as `file.py::test_name[param]`."""
        full = check.rpartition("::")[2]
        names = {full, full.partition("[")[0]}
        if names & set(self.fails):
            return "fails"
        return "blocks" if names & set(self.blocks) else None


class CheckResult(BaseModel):
    """One check and how it came out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    outcome: Outcome
    reason: str = ""
    blocked_by: str | None = None
    duration_s: float = 0.0


class RunSummary(BaseModel):
    """A run of the job, on the server or on disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: str
    project: str
    id: str
    name: str
    state: str
    url: str
    source: Literal["server", "local"]


class Verdict(BaseModel):
    """The document `verdict.json`; its keys are fixed by schema version 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    verdict: Literal["passed", "failed", "inconclusive"]
    root_cause: str | None
    findings: tuple[Finding, ...]
    checks: tuple[CheckResult, ...]
    runs: tuple[RunSummary, ...] = ()
    job: dict[str, object] = {}
    timings: dict[str, float] = {}
    versions: dict[str, str] = {}
