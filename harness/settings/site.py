"""LUMI's facts in one place: what a batch script needs to know of the site; a YAML file may say otherwise."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.settings.model import SettingsError

LAIF = Path("/appl/local/laifs/containers")
GUIDE_BUILD = "u24r70f21m50t210-20260415_130625"


class Site(BaseModel):
    """A machine with Slurm; the defaults are LUMI-G, from its public documentation and the LUMI AI Guide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "LUMI"
    modules: tuple[str, ...] = (
        "module purge",
        "module use /appl/local/laifs/modules",
        "module load lumi-aif-singularity-bindings",
    )
    """Lines that prepare the container's bindings, as in the guide."""
    container: Path = LAIF / f"lumi-multitorch-{GUIDE_BUILD}" / f"lumi-multitorch-full-{GUIDE_BUILD}.sif"
    """The guide's image; only images of the kind `full` hold wandb."""
    container_newer: str = str(LAIF / "lumi-multitorch-u*/lumi-multitorch-full-*.sif")
    """Where other builds lie, should the guide's be gone; the name ends with the build's time."""
    container_command: str = "singularity"
    partition: str = Field(default="dev-g", pattern=r"^[A-Za-z0-9_.-]+$")
    """Where a job goes that names no partition."""
    gpus_per_node: int = Field(default=8, ge=1)
    """GCDs: what Slurm counts as GPUs on LUMI-G; a job gets all of a node's unless it asks for fewer."""
    cores_per_gpu: int = 7
    """56 of a node's 64 cores may be used."""
    memory_per_gpu_gb: int = 60
    """480 GB of a node's 512 GB may be asked for."""
    whole_node_partitions: tuple[str, ...] = ("standard-g",)
    """Partitions that bill whole nodes."""
    gpu_hours_per_gpu: float = 0.5
    """A GCD is half a MI250X, and an hour of it half a GPU-hour."""
    cpu_masks: tuple[str, ...] = (
        "0x00fe000000000000", "0xfe00000000000000", "0x0000000000fe0000", "0x00000000fe000000",
        "0x00000000000000fe", "0x000000000000fe00", "0x000000fe00000000", "0x0000fe0000000000",
    )  # fmt: skip
    """Cores next to each GCD, for whole nodes only."""
    numa_binding: str = "exclusive"
    """torchrun's --numa-binding on whole nodes; empty: none."""
    network_interfaces: str = "hsn0,hsn1,hsn2,hsn3"
    """What RCCL uses between nodes: Slingshot."""
    torch_home: str = "/scratch/${SLURM_JOB_ACCOUNT}/${USER}/torch_home"
    """Expanded by the job's shell; the home folder is too small for model weights."""
    node_local: tuple[str, ...] = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - named to be avoided
    """Folders that differ from node to node: a report folder there would not get the job's output."""
    training_seconds: int = 45
    """How long the built-in job trains at least: long enough for several samples of the system metrics."""


def load_site(path: Path | None) -> Site:
    """Return LUMI's facts, or those with what the file changes.

    Raises:
        SettingsError: the file cannot be read or names something unknown.
    """
    if path is None:
        return Site()
    import yaml

    try:
        return Site.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except OSError as error:
        raise SettingsError(f"--lumi-site: {path} cannot be read ({error.strerror}).") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"--lumi-site: {path} is not valid YAML: {str(error).splitlines()[0]}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingsError(f"--lumi-site: {path}: {where}: {first['msg']}.") from None
    except (ValueError, RecursionError):  # bytes that are no text, a date that there is not, a thousand brackets
        raise SettingsError(f"--lumi-site: {path} cannot be read as YAML.") from None
