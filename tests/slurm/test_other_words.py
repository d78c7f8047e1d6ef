"""What was given beside a job, or set when it was submitted, and what the job had: told by comparison."""

from __future__ import annotations

import sys

import pytest

from tests.in_ci import first_in_ci
from tests.slurm.playing import TRAIN, Outcome, Player

RANKS = f"{sys.executable} {TRAIN} --epochs 3 --pause 0.2"


def seen_of(seen: Outcome, fault: str) -> str:
    """What was observed of a finding."""
    (found,) = [f for f in seen.verdict["findings"] if f["id"] == fault]
    return " ".join(found["observed"])


def test_options_that_the_job_contradicts(player: Player) -> None:
    """The job is judged as it was, and each contradiction is told with both values."""
    (player.work / "other.py").write_text("print('another one')\n")
    job = player.submit(f"srun {RANKS} --project vit", "-n1")
    player.ended(job)
    given = ("--nproc", "8", "--lumi-nodes", "2", "--offline", "--job", "other.py", "--lumi-partition", "standard-g")
    seen = player.verify("--lumi-attach", job, *given)
    assert seen.code == 0, seen.out
    told = seen_of(seen, "job-option-contradicted")
    for words in ("--nproc 8 was given, and the job had 1 (", "--lumi-nodes 2 was given, and the job had 1 (nid00500",
                  "--offline was given, and the job ran online", "--job other.py was given, and the job's batch script",
                  "--lumi-partition standard-g was given, and the job's is small-g"):  # fmt: skip
        assert words in told, seen.out


GIVEN = "--env WANDB_BASE_URL=$WANDB_BASE_URL,WANDB_API_KEY=$WANDB_API_KEY"
TAKEN = {
    "env -i": ("srun env -i PATH=$PATH WANDB_BASE_URL=$WANDB_BASE_URL WANDB_API_KEY=$WANDB_API_KEY {ranks}", ()),
    "unset": ("unset WANDB_RUN_GROUP WANDB_TAGS\n{ranks}", ()),
    "--cleanenv": (f"singularity exec --cleanenv {GIVEN} {{image}} {{ranks}}", ()),
    "--containall": (f"srun singularity exec --containall {GIVEN} {{image}} {{ranks}}", ()),
}


@pytest.mark.parametrize("which", first_in_ci(TAKEN))
def test_variables_that_do_not_arrive(player: Player, which: str) -> None:
    body, options = TAKEN[which]
    job = player.submit(
        body.format(ranks=f"{RANKS} --project vit", image=player.container),
        *options,
        WANDB_RUN_GROUP="night",
        WANDB_TAGS="lr3",
    )
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.code == 0, seen.out
    told = seen_of(seen, "job-variables-lost")
    assert "WANDB_RUN_GROUP=night was set when the job was submitted; the job's run has none." in told, told
    assert "WANDB_TAGS=lr3 was set when" in told
    assert player.server.api_key not in str(seen.evidence)
    assert seen.slurm["submitted_with"]["WANDB_API_KEY"] == "[redacted]"


@pytest.mark.thorough
def test_variables_that_arrive_are_no_news(player: Player) -> None:
    job = player.submit(f"{RANKS} --project vit", WANDB_RUN_GROUP="night", WANDB_TAGS="lr3")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.code == 0, seen.out
    assert [f["id"] for f in seen.verdict["findings"]] == [], seen.out
    assert seen.slurm["submitted_with"]["WANDB_TAGS"] == "lr3"


@pytest.mark.thorough
def test_a_key_that_was_there_at_the_submission(player: Player) -> None:
    job = player.submit(f"srun env -i PATH=$PATH WANDB_BASE_URL=$WANDB_BASE_URL {RANKS}")
    player.ended(job)
    seen = player.verify("--lumi-attach", job)
    assert seen.cause == "auth-no-key", seen.out
    assert "WANDB_API_KEY was set when the job was submitted." in seen_of(seen, "auth-no-key")
