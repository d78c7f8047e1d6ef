"""How little a verification asks of Slurm and of the login node, and how soon after a job's end it has the verdict."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness.loopback.server import LoopbackServer
from harness.targets.supervisor import descendants
from lab.bench.row import Row
from tests.evidence.gpu.standins import Node, install
from tests.slurm.configuration import ACCOUNT
from tests.slurm.daemons import wait_until
from tests.slurm.laboratory import Laboratory, missing
from tests.slurm.playing import TRAIN, Player

PENDING_S = 60.0
RUNNING_S = 40.0
COMMANDS = ("sbatch", "squeue", "sacct", "scontrol", "scancel")
COUNTING = """#!/bin/sh
date +%s.%N >>{folder}/calls
PATH=$(echo "$PATH" | sed 's|^{folder}:||') exec {name} "$@"
"""


def rows() -> Iterator[Row]:
    """One verification on the laboratory Slurm: a minute in the queue, a minute of work, and the end."""
    if reason := missing():
        sys.stderr.write(f"skipped: {reason}\n")
        return
    with (
        tempfile.TemporaryDirectory(prefix="slurm-lab-") as folder,
        Laboratory(Path(folder)) as lab,
        LoopbackServer() as s,
    ):
        gpus = Path(install(Node(), lab.root / "amd", "")["LD_LIBRARY_PATH"])
        player = Player(lab, s, Path(folder) / "user", gpus=gpus)
        counter = _count_commands(player)
        script = player.work / "train.py"
        pause = f'"--pause", type=float, default={RUNNING_S / 4:g}'
        script.write_text(TRAIN.read_text().replace('"--pause", type=float, default=0.3', pause))
        ahead = lab.say("sbatch", "--parsable", "-A", ACCOUNT, "-p", "dev-g", "-o", "/dev/null", "--wrap", "sleep 600")
        process = player.start("--job", str(script), "--lumi-time", "5", output=subprocess.DEVNULL)
        player.wait_for_job(process)
        before = _calls(counter)
        time.sleep(PENDING_S)
        asked = _calls(counter) - before
        lab.run("scancel", ahead.strip())
        log, marker, verdict = (player.root / "report" / n for n in ("job.log", "job.ended", "verdict.json"))
        wait_until("training", lambda: log.exists() and "Epoch 1" in log.read_text(), 120)
        begun, used = time.monotonic(), _cpu_seconds(process.pid)
        time.sleep(RUNNING_S / 2)
        share = (_cpu_seconds(process.pid) - used) / (time.monotonic() - begun)
        process.wait(180)
        late = verdict.stat().st_mtime - marker.stat().st_mtime
        told = json.loads(verdict.read_text())
        assert told["verdict"] == "passed", told["findings"]
    yield Row("from the Slurm job's end to the verdict", f"{late:.1f} s", "", f"{late:.1f} s", "≤ 5 s")
    each = asked / PENDING_S * 10
    yield Row("Slurm commands in 10 s of waiting", f"{asked} in {PENDING_S:.0f} s", "", f"{each:.2f}", "≤ 1")
    yield Row("a core's share for watching a job", f"{100 * share:.2f} %", "reads of the server included",
              f"{100 * share:.2f} %", "< 1 %")  # fmt: skip


def _count_commands(player: Player) -> Path:
    """Put commands first on the user's PATH that note their call and do what they always do."""
    folder = player.home / "bin"
    folder.mkdir()
    for name in COMMANDS:
        (folder / name).write_text(COUNTING.format(folder=folder, name=name))
        (folder / name).chmod(0o755)
    player.env["PATH"] = f"{folder}:{player.settle()['PATH']}"
    return folder / "calls"


def _calls(counter: Path) -> int:
    return len(counter.read_text().splitlines()) if counter.exists() else 0


def _cpu_seconds(root: int) -> float:
    """Processor time of a process and all below it, those that have ended included (proc(5): utime to cstime)."""
    ticks = 0
    for pid in (root, *descendants(root)):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")
