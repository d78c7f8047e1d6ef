"""What GPU telemetry a node offers to the SDK, as probed inside the job."""

from typing import Literal

from harness.evidence.models.base import Fact, Trouble


class Device(Fact):
    """One GPU as the collector sees it; a GCD counts as a GPU."""

    index: int
    name: str | None = None
    vendor: Literal["amd", "nvidia", "unknown"] = "unknown"
    power_reported: bool | None = None


class CommandProbe(Fact):
    """A call of rocm-smi the way the SDK makes it."""

    path: str | None = None
    exit_code: int | None = None
    seconds: float | None = None
    cards: int = 0
    parsable: bool = False
    has_system_only: bool = False
    rocm_generation: Literal["5", "6.0", "6.1+", "unknown"] = "unknown"
    stderr: str = ""


class LibraryProbe(Fact):
    """A load of librocm_smi64.so the way the SDK makes it."""

    path: str | None = None
    loadable: bool = False
    initialised: bool = False
    devices: int = 0
    version: str | None = None
    trouble: Trouble | None = None


class NodeTelemetry(Fact):
    """One node's answer."""

    host: str
    rank: int | None = None
    initstate: str | None = None
    """Contents of /sys/module/amdgpu/initstate, None where it is missing."""
    command: CommandProbe | None = None
    library: LibraryProbe | None = None
    devices: tuple[Device, ...] = ()
    torch_devices: int | None = None
    visible_variables: dict[str, str] = {}
    nvidia_smi: bool = False


class Telemetry(Fact):
    """Probes of every node of the job; empty where none was made."""

    nodes: tuple[NodeTelemetry, ...] = ()
    troubles: tuple[Trouble, ...] = ()
