"""The batch script: the guide's launch lines, quoted for the shell and for Slurm, with no secret in it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.settings.model import SettingsError, SlurmSettings
from harness.settings.site import Site, load_site
from harness.targets.slurm.script import Plan, directives, escaped, gpu_hours, hours, render

PLAN = Plan(
    slurm=SlurmSettings(),
    site=Site(),
    script=Path("/scratch/me/train.py"),
    args=("--epochs", "4"),
    chdir=Path("/scratch/me"),
    account="project_462000001",
    output="/scratch/me/job.log",
    marker=Path("/scratch/me/job.ended"),
    variables={"WANDB_TAGS": "harness-1"},
)
VARIANTS = [
    SlurmSettings(nodes=n, gpus=g, launcher=launcher)  # type: ignore[arg-type]  # names of launchers
    for n in (1, 2)
    for g in (1, 8)
    for launcher in ("torchrun", "srun")
]


def rendered(**slurm: object) -> str:
    return render(replace(PLAN, slurm=SlurmSettings(**slurm)))


@pytest.mark.parametrize("slurm", VARIANTS, ids=lambda s: f"{s.nodes}x{s.gpus}-{s.launcher}")
def test_every_variant_is_valid_shell(slurm):
    text = render(replace(PLAN, slurm=slurm))
    done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = directives(text)
    assert lines["account"] == "project_462000001"
    assert lines["nodes"] == str(slurm.nodes)
    assert lines["open-mode"] == "append"


def test_guide_on_one_whole_node():
    text = rendered()
    assert "--numa-binding=exclusive --standalone --nnodes=1 --nproc_per_node=8" in text
    assert "module load lumi-aif-singularity-bindings" in text
    assert {"cpus-per-task": "56", "mem": "480G", "ntasks-per-node": "1"}.items() <= directives(text).items()
    assert "NCCL_SOCKET_IFNAME" not in text


def test_part_of_a_node_is_not_bound():
    assert "--numa-binding" not in rendered(gpus=4)
    assert "mask_cpu" not in rendered(gpus=4, launcher="srun")
    assert {"cpus-per-task": "28", "mem": "240G"}.items() <= directives(rendered(gpus=4)).items()


def test_several_nodes_meet_over_slingshot():
    text = rendered(nodes=2)
    assert '--rdzv_backend=c10d --rdzv_endpoint="$MASTER_ADDR:$MASTER_PORT"' in text
    assert "export NCCL_SOCKET_IFNAME=hsn0,hsn1,hsn2,hsn3" in text


@pytest.mark.parametrize("nodes", [1, 2])
def test_nothing_of_miopen_is_left_and_the_end_is_told(tmp_path, nodes):
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (tmp_path / "tmp").mkdir()
    srun = f'echo "$*" >>{tmp_path}/steps; [ "$1" = --overlap ] || exit 42'
    programs = {"module": "true", "scontrol": "echo nid005000", "srun": srun}
    for name, body in programs.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{body}\n")
        (bin_ / name).chmod(0o755)
    site = Site(torch_home=str(tmp_path / "torch_home"))
    plan = replace(PLAN, slurm=SlurmSettings(nodes=nodes), site=site, chdir=tmp_path, marker=tmp_path / "job.ended")
    env = {"PATH": f"{bin_}:/usr/bin:/bin", "TMPDIR": str(tmp_path / "tmp"), "SLURM_JOB_ID": "7"}
    done = subprocess.run(["bash"], input=render(plan), text=True, env=env, check=False, capture_output=True)
    assert done.returncode == 42
    assert (tmp_path / "job.ended").read_text() == "7 0 42\n"
    assert not list((tmp_path / "tmp").iterdir())
    removals = [step for step in (tmp_path / "steps").read_text().splitlines() if "rm -rf" in step]
    assert len(removals) == nodes - 1, "the batch script itself removes it from the first node"


def test_plain_srun_uses_the_guides_masks():
    text = rendered(launcher="srun")
    assert "--cpu-bind=mask_cpu:$CPU_BIND_MASKS" in text
    assert directives(text)["ntasks-per-node"] == "8"


def test_odd_paths_are_quoted():
    odd = Path("/scratch/it's 100% mine/$HOME")
    text = render(replace(PLAN, script=odd / "t.py", chdir=odd, marker=odd / "e", output=escaped(odd / "job.log")))
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    assert directives(text)["output"] == "/scratch/it's 100%% mine/$HOME/job.log"
    code = text.split("SCRIPT=")[1].splitlines()[0]
    told = subprocess.run(["bash", "-c", f'x={code}; printf %s "$x"'], text=True, capture_output=True, check=True)
    assert told.stdout == str(odd / "t.py")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("10", 1 / 6), ("10:30", 0.175), ("01:30:00", 1.5), ("1-0", 24), ("1-12:30", 36.5), ("2-00:00:36", 48.01)],
)
def test_time_limits(limit, expected):
    assert hours(limit) == pytest.approx(expected)


def test_cost():
    assert gpu_hours(SlurmSettings(), Site()) == pytest.approx(2 / 3)
    assert gpu_hours(SlurmSettings(gpus=1, partition="standard-g", time="1:00:00"), Site()) == 4
    assert gpu_hours(SlurmSettings(gpus=1, time="1:00:00"), Site()) == 0.5


def test_directives_end_at_the_first_command():
    text = "#!/bin/bash\n#SBATCH -A p1 --nodes 2 # two\n#SBATCH -pdev-g\n\nsleep 1\n#SBATCH --time=1\n"
    assert directives(text) == {"account": "p1", "nodes": "2", "partition": "dev-g"}


def test_site_facts_can_be_changed(tmp_path):
    file = tmp_path / "site.yaml"
    file.write_text("gpus_per_node: 4\nmodules: []\n")
    assert load_site(file).gpus_per_node == 4
    assert load_site(None) == Site()


@pytest.mark.parametrize("text", ["gpus: 4", "gpus_per_node: many", ": : :", "- 1"])
def test_wrong_site_facts_are_refused_in_one_sentence(tmp_path, text):
    file = tmp_path / "site.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_site(file)
    assert str(caught.value).startswith("--lumi-site: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("launcher", "words"),
    [("torchrun", "  -m pkg.train --lr '1 2'\n"), ("srun", """exec python -m "$0" "$@"' pkg.train --lr '1 2'\n""")],
)
def test_a_module_is_started_by_its_name(launcher, words):
    plan = replace(PLAN, slurm=SlurmSettings(launcher=launcher), module="pkg.train", args=("--lr", "1 2"))
    text = render(plan)
    assert words in text
    assert "SCRIPT=" not in text
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
