"""Looks into the container image without a job: is it there, and which wandb does it hold?"""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.evidence.setup.interpreter import Asked
from harness.evidence.setup.question import Interpreter
from harness.settings.site import Site
from harness.targets.slurm.commands import Slurm

EXEC_S = 60.0
"""Starting a container on a busy login node takes seconds; the image may be 20 GB on Lustre."""
LARGEST_SBOM = 64 << 20
PYTHON = "the image's Python"
UNPREPARED = "the image's Python, without the site's modules"
_AS_THE_JOB = """
trap 'echo unprepared' ERR
{modules}
trap - ERR
exec {command} run "$0" python "$@"
"""
"""The batch script's own way, as far as a login node has it: the image's start script may set the environment up."""


@dataclass(frozen=True)
class Image:
    """What is known of a container image."""

    path: Path
    exists: bool
    wandb: str | None = None
    """Version, `missing`, or None where it could not be told."""
    told_by: str = ""

    @property
    def certainly_without(self) -> bool:
        """Whether the image's own Python, asked as the job will start it, finds no wandb, in the user's home either."""
        return self.wandb == "missing" and self.told_by == PYTHON


def choose(asked: Path | None, site: Site) -> Path:
    """Return the image: the one asked for, else the guide's, else the newest build where the guide's is gone."""
    if asked or site.container.exists():
        return asked or site.container
    builds = glob.glob(site.container_newer)  # noqa: PTH207 - the pattern is absolute
    return Path(max(builds, key=lambda b: b.rpartition("-")[2])) if builds else site.container


def interpreter(path: Path, site: Site) -> Interpreter:
    """Return how the image's Python is started, as the job will start it."""
    way = _AS_THE_JOB.format(modules="\n".join(site.modules), command=site.container_command)
    return Interpreter(("bash", "-c", way, str(path)), f"python in {path.name}", EXEC_S)


def seen(path: Path, asked: Asked, site: Site, slurm: Slurm) -> Image:
    """Say which wandb the image holds: by its Python's answer, else by a list of software beside it or within it."""
    if not path.exists():
        return Image(path, exists=False)
    python = asked.python
    told_by = UNPREPARED if "unprepared" in asked.aside.splitlines() else PYTHON
    if python and python.wandb_version:
        return Image(path, exists=True, wandb=python.wandb_version, told_by=told_by)
    listed, list_name = _listed(path, site, slurm)
    if listed and listed != "missing":
        return Image(path, exists=True, wandb=listed, told_by=list_name)
    if python and python.wandb_kind in ("missing", "namespace_folder"):
        return Image(path, exists=True, wandb="missing", told_by=told_by)
    trouble = python.trouble.text[-200:] if python and python.trouble else ""
    return Image(path, exists=True, wandb=listed, told_by=list_name or trouble)


def _listed(path: Path, site: Site, slurm: Slurm) -> tuple[str | None, str]:
    """Return what a list of the image's software says of wandb, and which list."""
    for beside in (path.with_suffix(".json"), Path(f"{path}.json"), path / ".sbom.json"):
        if version := _from_file(beside):
            return version, beside.name
    answer = slurm.run([site.container_command, "exec", str(path), "cat", "/.sbom.json"], EXEC_S)
    return (_from_text(answer.out) if answer.code == 0 else None), "/.sbom.json"


def _from_file(path: Path) -> str | None:
    try:
        return _from_text(path.read_text(encoding="utf-8")) if path.stat().st_size <= LARGEST_SBOM else None
    except (OSError, UnicodeDecodeError):
        return None


def _from_text(text: str) -> str | None:
    """Find wandb in a software list; `missing` where there is a list of Python packages without it."""
    try:
        listed = json.loads(text)
    except ValueError:
        return None
    packages = dict(_packages(listed))
    if "wandb" in packages:
        return packages["wandb"]
    return "missing" if "torch" in packages else None


def _packages(node: Any) -> Iterator[tuple[str, str]]:
    """Yield name and version of every package in the list, whichever tool wrote it.

    LAIF's own list has `{"python": [{"name", "version"}, …]}`; CycloneDX, SPDX and syft nest the same pairs.
    """
    if isinstance(node, Mapping):
        name, version = node.get("name"), node.get("version") or node.get("versionInfo")
        if isinstance(name, str) and isinstance(version, str):
            yield name.lower(), version
        for value in node.values():
            yield from _packages(value)
    elif isinstance(node, list):
        for value in node:
            yield from _packages(value)
