"""What the judge says: causes, remarks, checks, and the verdict document that holds them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.judging.cures.cure import Cure
from harness.judging.history import AttemptSummary
from harness.judging.rehearsals import RehearsalSummary
from harness.judging.rule import Severity

Outcome = Literal["passed", "failed", "blocked", "not_applicable", "not_checked"]


class Finding(BaseModel):
    """A fault in the words of the catalogue, filled in with what was observed: a cause, or a remark."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    severity: Severity
    title: str
    observed: tuple[str, ...]
    advice: tuple[str, ...]
    """What to do, what is carried out by `cure` first."""
    cure: Cure | None = None
    guide_section: str
    links: tuple[str, ...]
    explains: tuple[str, ...] = ()
    """Names of the checks that did not pass because of it."""


class Cause(Finding):
    """What makes checks fail."""

    explains: tuple[str, ...] = Field(min_length=1)


class Remark(Finding):
    """What is worth knowing and explains no failed check; it takes part in nothing."""

    explains: tuple[()] = ()


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
    findings: tuple[Cause | Remark, ...]
    """Causes first, in the order in which they struck."""
    checks: tuple[CheckResult, ...]
    runs: tuple[RunSummary, ...] = ()
    rehearsals: tuple[RehearsalSummary, ...] = ()
    """Each case that was rehearsed, where that was asked for."""
    attempts: tuple[AttemptSummary, ...] = ()
    """Each start of a job that was started more than once, or went on with an earlier job's run."""
    job: dict[str, object] = {}
    timings: dict[str, float] = {}
    versions: dict[str, str] = {}
    live: bool = False
    """Whether the run is still running: it is judged as far as it goes."""
