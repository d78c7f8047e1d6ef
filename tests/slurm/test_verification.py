"""The default verification and its variants pass on a real Slurm, through the stand-in for Singularity."""

from __future__ import annotations

import json
import re

import pytest

from tests.slurm.configuration import ACCOUNT
from tests.slurm.playing import TRAIN, Player


def test_default_job_passes_on_two_nodes(player: Player) -> None:
    seen = player.verify("--lumi-nodes", "2")
    assert seen.code == 0, seen.out
    assert seen.verdict["verdict"] == "passed"
    assert len(seen.verdict["runs"]) == 1
    ranks = re.findall(r"Rank (\d) of 4 joined \(local rank (\d), host (\w+)", seen.log)
    assert sorted(ranks) == [("0", "0", "nid005000"), ("1", "1", "nid005000"), ("2", "0", "nid005001"),
                             ("3", "1", "nid005001")]  # fmt: skip
    slurm = seen.slurm
    assert slurm["final_state"] == "COMPLETED"
    assert slurm["nodes"] == ["nid005000", "nid005001"]
    assert slurm["account"] == ACCOUNT
    assert slurm["gpu_hours"] == pytest.approx(4 * slurm["elapsed_s"] / 3600 / 2, abs=1e-4)
    assert [f["id"] for f in seen.verdict["findings"] if f["severity"] != "info"] == []
    assert "sys-only-rank0-node" in [f["id"] for f in seen.verdict["findings"]]
    assert not player.jobs()


def test_plain_srun_launcher(player: Player) -> None:
    seen = player.verify("--job", str(TRAIN), "--lumi-launcher", "srun", "--lumi-nodes", "2")
    assert seen.code == 0, seen.out
    assert seen.evidence["created_at"] - seen.evidence["job"]["ended_at"] < 5 + 1  # Slurm's times are whole seconds
    assert "srun --kill-on-bad-exit=1" in (seen.folder / "job.sh").read_text()
    assert sorted(re.findall(r"Rank (\d) of 4 joined", seen.log)) == ["0", "1", "2", "3"]
    probed = seen.evidence["telemetry"]["nodes"]
    assert [(node["rank"], node["host"]) for node in probed] == [(0, "nid005000"), (1, "nid005001")]


@pytest.mark.sample
def test_own_batch_script_is_submitted_as_it_is(player: Player) -> None:
    script = player.work / "mine.sh"
    script.write_text(
        "#!/bin/bash\n#SBATCH --partition=small-g\n#SBATCH --nodes=1 --gpus-per-node=1 --ntasks=2 --mem=2G\n"
        "#SBATCH --output=mine-%j.out --error=mine-%j.err\n"
        f"srun bash -c 'RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID WORLD_SIZE=2 singularity run {player.container}"
        f" python {TRAIN}'\n"
    )
    seen = player.verify("--job", str(script))
    assert seen.code == 0, seen.out
    assert seen.slurm["partition"] == "small-g"
    assert seen.slurm["account"] == ACCOUNT
    assert (player.work / f"mine-{seen.slurm['job_id']}.out").read_text() == seen.log
    assert len(seen.verdict["runs"]) == 1


def test_key_stays_in_the_environment(player: Player) -> None:
    key = player.server.api_key
    process = player.start("--job", str(TRAIN))
    job = player.wait_for_job(process)
    said = player.lab.say("scontrol", "show", "job", "-dd", job) + player.lab.say(
        "scontrol", "write", "batch_script", job, "-"
    )
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    assert "Command=" in said
    assert "singularity run" in said
    assert key not in said
    assert key not in out
    for file in (player.root / "report").rglob("*"):
        if file.is_file():
            assert key.encode() not in file.read_bytes(), file


def test_offline_and_sync(player: Player) -> None:
    seen = player.verify("--job", str(TRAIN), "--offline", "--sync")
    assert seen.code == 0, seen.out
    assert json.loads((seen.folder / "slurm.json").read_text())["offline"] is True
    assert seen.outcomes()["test_nothing_was_lost"] == "passed"


TWO_CAUSES = """
import os, time, wandb
if os.environ["RANK"] == "0":
    still = wandb.Settings(x_disable_stats=True)
    run = wandb.init(project="p", mode="offline", config={"lr": 1}, settings=still)
    for e in range(3):
        print(f"Epoch {e + 1}, Loss: {1 / (e + 1)}", flush=True)
        run.log({"loss": 1 / (e + 1)}); time.sleep(1)
    run.finish()
"""


@pytest.mark.thorough
def test_cures_of_two_causes_are_tried_in_jobs_of_their_own_and_the_cost_is_told(player: Player) -> None:
    script = player.work / "two.py"
    script.write_text(TWO_CAUSES)
    seen = player.verify("--job", "two.py", "--try-cure", timeout_s=300)
    assert (seen.code, seen.cause) == (1, "mode-env-offline"), seen.out
    assert f"another job in dev-g of {ACCOUNT}, 1 nodes with 2 GPUs each" in seen.out
    assert "it is billed like the first" in seen.out
    assert "tried: this is mended, and then comes sys-disabled-by-setting" in seen.out
    assert "tried: with it and those before it, the verification passes" in seen.out
    tried = [json.loads((seen.folder / f"tried-{n}" / "verdict.json").read_text()) for n in (1, 2)]
    assert [(t["verdict"], t["root_cause"]) for t in tried] == [("failed", "sys-disabled-by-setting"), ("passed", None)]
    assert script.read_text() == TWO_CAUSES
    assert not player.jobs()
