"""The whole of what happened: one document that can be saved, sent, and judged again."""

from typing import Literal

from pydantic import Field

from harness.evidence.models.base import Fact, Span
from harness.evidence.models.job import Job
from harness.evidence.models.local import LocalReading
from harness.evidence.models.rehearsal import Rehearsals
from harness.evidence.models.request import Request
from harness.evidence.models.server import ServerReading
from harness.evidence.models.setup import Setup
from harness.evidence.models.telemetry import Telemetry
from harness.evidence.models.watch import Seen, Watch


class Evidence(Fact):
    """Plain data with a schema version; sources are kept apart, so that a disagreement names the broken layer."""

    schema_version: Literal[1] = 1
    created_at: float = 0.0
    """Unix seconds."""
    harness_version: str = ""
    request: Request = Field(default_factory=Request)
    setup: Setup | None = None
    job: Job | None = None
    local: LocalReading = LocalReading()
    server: ServerReading = ServerReading()
    synced: ServerReading | None = None
    """The server after `wandb sync`, where that was asked for."""
    sync_output: tuple[str, ...] = ()
    sync_exit_code: int | None = None
    watch: Watch | None = None
    watched: tuple[Seen, ...] = ()
    """What `lumi-wandb watch` noted of the job, in order."""
    rehearsals: Rehearsals | None = None
    """What was rehearsed, where that was asked for."""
    telemetry: Telemetry = Telemetry()
    spans: tuple[Span, ...] = ()
    versions: dict[str, str] = {}
