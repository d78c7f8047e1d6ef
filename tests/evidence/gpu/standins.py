"""Makes a node with AMD GPUs out of this one: a mount namespace, a stand-in rocm-smi, a stand-in librocm_smi64.so."""

from __future__ import annotations

import functools
import itertools
import json
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.evidence.gpu.cards import Generation, Load, answer

SOURCE = Path(__file__).with_name("librocm_smi64.c")
HARMS = ("none", "hangs-at-start", "dies-at-start", "hangs", "dies")
MOMENTS = 4
"""The stand-in command answers with one of so many recorded moments, by the clock."""
AT_WORK = "at-work"
"""A file beside `bin` and `lib` that lets GPUs that were idle be busy: what a script leaves that uses them."""
LIVE = "mount -t tmpfs none /sys/module && mkdir /sys/module/amdgpu && echo {state} >/sys/module/amdgpu/initstate"


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node as the collectors of the SDK find it."""

    gcds: int = 8
    load: Load = "busy"
    initstate: str | None = "live"
    """None: the driver is not there."""
    command: bool = True
    """Whether rocm-smi is on PATH."""
    rocm: Generation = "6.1+"
    exit_code: int = 0
    seconds: float = 0.0
    """How long rocm-smi takes."""
    library: bool = True
    """Whether librocm_smi64.so is on LD_LIBRARY_PATH."""
    other_version: bool = False
    """Whether the library is one that lacks the calls the SDK makes."""
    harm: Literal["none", "hangs-at-start", "dies-at-start", "hangs", "dies"] = "none"
    """What the library does to the process that loads it."""
    init_status: int = 0
    """What rsmi_init() answers; 8 is RSMI_STATUS_INIT_ERROR."""


@functools.cache
def unshare() -> tuple[str, ...]:
    """The command that opens a private mount namespace; empty where none is allowed."""
    if shutil.which("unshare") is None:
        return ()
    tried = ("sh", "-c", LIVE.format(state="live"))
    # The first is for root, the second for an ordinary user.
    for command in (("unshare", "-m"), ("unshare", "-Urm")):
        if subprocess.run([*command, *tried], capture_output=True, timeout=10, check=False).returncode == 0:
            return command
    return ()


def why_not() -> str | None:
    """Why this machine cannot play a node with AMD GPUs; None where it can."""
    if not Path("/sys/module").is_dir() or not unshare():
        return "needs a private mount namespace with a tmpfs on /sys/module (unshare -m or -Urm), not allowed here"
    return None if shutil.which("gcc") else "needs gcc for the stand-in of librocm_smi64.so"


def prefix(node: Node) -> list[str]:
    """Words to put before a command, so that it and its children see the node's driver state."""
    state = "mount -t tmpfs none /sys/module" if node.initstate is None else LIVE.format(state=node.initstate)
    return [*unshare(), "sh", "-c", f'{state} && exec "$@"', "sh"]


def install(node: Node, folder: Path, path: str) -> dict[str, str]:
    """Put the node's command and library into a folder, as ROCm has them; return the variables that lead to them."""
    commands, libraries = folder / "bin", folder / "lib"
    commands.mkdir(parents=True)
    libraries.mkdir()
    _command(node, commands)
    _library(node, libraries)
    return {
        "PATH": f"{commands}:{path}" if node.command else path,
        "LD_LIBRARY_PATH": str(libraries) if node.library else "",
        "ROCM_PATH": str(folder),
    }


def _command(node: Node, folder: Path) -> None:
    """Write rocm-smi: a shell script that replays what was recorded, quickly."""
    loads: tuple[Load, ...] = ("idle", "busy") if node.load == "idle" else (node.load,)
    for load, moment in itertools.product(loads, range(MOMENTS)):
        text = json.dumps(answer(node.rocm, node.gcds, load, moment))
        (folder / f"{load}{moment}.json").write_text(f"{text}\n")
    warning = "echo 'WARNING: \t\t One or more commands failed' >&2\n" if node.exit_code else ""
    wait = f"sleep {node.seconds}\n" if node.seconds else ""
    here = shlex.quote(str(folder))
    script = folder / "rocm-smi"
    load = f"load={node.load}\n[ -e {here}/../{AT_WORK} ] && load={loads[-1]}\n"
    moment = f"$(( $(date +%s) % {MOMENTS} ))"
    script.write_text(f"#!/bin/sh\n{wait}{warning}{load}cat {here}/$load{moment}.json\nexit {node.exit_code}\n")
    script.chmod(0o755)


def _library(node: Node, folder: Path) -> None:
    works = f"(access({json.dumps(str(folder.parent / AT_WORK))}, F_OK) == 0)"
    values = {
        "HARM": HARMS.index(node.harm),
        "COUNT": node.gcds,
        "INIT": node.init_status,
        "BUSY": {"busy": 1, "idle": works, "zero": 0}[node.load],
        "REAL": int(node.load != "zero"),
    }
    options = [f"-D{name}={value}" for name, value in values.items()]
    target = folder / "librocm_smi64.so"
    source = SOURCE
    if node.other_version:
        source = folder / "other.c"
        source.write_text("int rsmi_version_of_another_age(void) { return 0; }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", *options, "-o", str(target), str(source)], check=True, timeout=60)
