"""Typed models of the evidence; `Evidence` is the document that holds them all."""

from harness.evidence.models.base import Fact, JsonValue, Span, Trouble
from harness.evidence.models.evidence import Evidence
from harness.evidence.models.job import (
    EpochSeen,
    Job,
    JobOutput,
    Login,
    OutputLine,
    ProcessSeen,
    PythonError,
    RankSeen,
    RunLink,
    SlurmJob,
    SlurmState,
    SlurmStep,
)
from harness.evidence.models.local import HttpTrouble, LocalReading, LocalRun, LogLine, SdkLogs
from harness.evidence.models.rehearsal import Attempt, Missing, Rehearsal, Rehearsals, Sync
from harness.evidence.models.request import Request
from harness.evidence.models.server import ServerReading, ServerRun, ServerSeries, SystemSeries
from harness.evidence.models.setup import (
    Credentials,
    JobPython,
    KeySource,
    Mode,
    ModeSource,
    Network,
    Place,
    ProbeStep,
    ScriptLook,
    ScriptNote,
    ScriptSource,
    SdkSettings,
    SettingProblem,
    Setup,
    UnreadVariable,
    Viewer,
)
from harness.evidence.models.telemetry import CommandProbe, Device, LibraryProbe, NodeTelemetry, Telemetry
from harness.evidence.models.watch import Seen, Watch

__all__ = [
    "Attempt", "CommandProbe", "Credentials", "Device", "EpochSeen", "Evidence", "Fact", "HttpTrouble", "Job",
    "JobOutput", "JobPython", "JsonValue", "KeySource", "LibraryProbe", "LocalReading", "LocalRun", "LogLine",
    "Login", "Missing", "Mode", "ModeSource", "Network", "NodeTelemetry", "OutputLine", "Place", "ProbeStep",
    "ProcessSeen", "PythonError", "RankSeen", "Rehearsal", "Rehearsals", "Request", "RunLink", "ScriptLook",
    "ScriptNote", "ScriptSource", "SdkLogs", "SdkSettings", "Seen", "ServerReading", "ServerRun", "ServerSeries",
    "SettingProblem", "Setup",
    "SlurmJob", "SlurmState", "SlurmStep", "Span", "Sync", "SystemSeries", "Telemetry", "Trouble", "UnreadVariable",
    "Viewer", "Watch",
]  # fmt: skip
