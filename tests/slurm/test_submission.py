"""Submissions that Slurm refuses or leaves waiting: the cause is named with its own words, and no job is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.in_ci import cases_in_ci
from tests.slurm.configuration import EMPTY_ACCOUNT, GPU_MINUTES_ACCOUNT, STRANGE_ACCOUNT
from tests.slurm.playing import TRAIN, Outcome, Player

SCRIPT = "#!/bin/bash\n#SBATCH --partition=small-g\n#SBATCH --gpus-per-node=1\nsleep 1\n"


def refused(seen: Outcome, cause: str, words: str) -> None:
    """The submission check fails for that cause with Slurm's words; the rest is blocked."""
    assert seen.code == 1, seen.out
    assert seen.cause == cause, seen.out
    assert any(words in text for text in seen.verdict["findings"][0]["observed"]), seen.verdict["findings"][0]
    outcomes = seen.outcomes()
    assert outcomes["test_job_was_submitted"] == "failed"
    assert [n for n, o in outcomes.items() if o == "failed"] == ["test_job_was_submitted"]
    assert outcomes["test_api_key_is_accepted"] == "passed"


@pytest.mark.parametrize(
    ("options", "cause", "words"),
    cases_in_ci(
        (("--lumi-account", STRANGE_ACCOUNT), "job-bad-account", "Invalid account or account/partition combination"),
        # In dev-g the partition's own limit of submitted jobs takes the place of the account's.
        (("--lumi-account", EMPTY_ACCOUNT, "--lumi-partition", "small-g"), "job-bad-account", "AssocMaxSubmitJobLimit"),
        (("--lumi-partition", "nope-g"), "job-bad-partition", "invalid partition specified: nope-g"),
        (("--lumi-time", "5:00:00"), "job-over-limit", "Requested time limit is invalid"),
        (("--lumi-nodes", "40"), "job-over-limit", "More processors requested than permitted"),
    ),
)
def test_options_that_slurm_refuses(player: Player, options: tuple[str, ...], cause: str, words: str) -> None:
    refused(player.verify("--job", str(TRAIN), *options), cause, words)


@pytest.mark.parametrize(
    ("script", "cause", "words"),
    cases_in_ci(
        (SCRIPT.replace("node=1", "node=9"), "job-node-config-unavailable", "node configuration is not available"),
        (SCRIPT + "#SBATCH --mem=1000G\n", None, ""),
        (SCRIPT.replace("sleep", "#SBATCH --mem=1000G\nsleep"), "job-node-config-unavailable", "Memory specification"),
        (SCRIPT.replace("sleep", "#SBATCH --nodes=5\nsleep"), "job-over-limit", "Node count specification invalid"),
        (SCRIPT.replace("\n", "\r\n"), "job-bad-script", "DOS line breaks"),
        (SCRIPT.replace("#!/bin/bash\n", ""), "job-bad-script", "does not look like a batch script"),
        ("", "job-bad-script", "Batch script is empty"),
        (SCRIPT.replace("sleep", "#SBATCH --bogus=1\nsleep"), "job-bad-script", "unrecognized option"),
        (SCRIPT.replace("sleep", "#SBATCH --time=abc\nsleep"), "job-bad-script", "Invalid --time specification"),
    ),
)
def test_scripts_that_slurm_refuses(player: Player, script: str, cause: str | None, words: str) -> None:
    file = player.work / "mine.sh"
    file.write_bytes(script.encode())
    seen = player.verify("--job", str(file))
    if cause:
        refused(seen, cause, words)
    else:
        assert seen.outcomes()["test_job_was_submitted"] == "passed"


def test_account_variable_wins_over_the_script(player: Player) -> None:
    file = player.work / "mine.sh"
    file.write_text(SCRIPT.replace("sleep", "#SBATCH --account=project_462000001\nsleep"))
    player.env["SBATCH_ACCOUNT"] = STRANGE_ACCOUNT
    seen = player.verify("--job", str(file))
    refused(seen, "job-bad-account", f"SBATCH_ACCOUNT={STRANGE_ACCOUNT}")


@pytest.mark.thorough
def test_account_variable_does_not_touch_our_own_script(player: Player) -> None:
    player.env |= {"SBATCH_ACCOUNT": STRANGE_ACCOUNT, "SBATCH_PARTITION": "nope-g"}
    assert player.verify("--job", str(TRAIN)).code == 0


def test_third_job_in_dev_g(player: Player) -> None:
    for _ in range(2):
        player.lab.run("sbatch", "-A", "project_462000001", "-p", "dev-g", "-o", "/dev/null", "--wrap", "sleep 60")
    refused(player.verify("--job", str(TRAIN)), "job-submit-limit", "QOSMaxSubmitJobPerUserLimit")


@pytest.mark.parametrize(
    ("daemon", "words"),
    cases_in_ci(("slurmctld", "Unable to contact slurm controller"), ("munged", "Munge encode failed")),
)
def test_slurm_is_away(player: Player, daemon: str, words: str) -> None:
    player.lab.daemons[daemon].stop()
    try:
        refused(player.verify("--job", str(TRAIN)), "job-slurm-unreachable", words)
    finally:
        player.lab.revive(daemon)


def test_image_is_not_there(player: Player) -> None:
    seen = player.verify("--job", str(TRAIN), "--lumi-container", "/appl/local/containers/gone.sif")
    refused(seen, "job-sif-missing", "/appl/local/containers/gone.sif")
    assert seen.slurm["job_id"] is None


def _busy(player: Player) -> None:
    player.lab.run("sbatch", "-A", "project_462000001", "-p", "dev-g", "-o", "/dev/null", "--wrap", "sleep 120")


def _drained(player: Player) -> None:
    for node in player.lab.at.nodes:
        player.lab.run("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")


def _maintenance(player: Player) -> None:
    player.lab.run(
        "scontrol", "create", "reservation", "reservationname=maintenance", "starttime=now+1minutes", "duration=60",
        "flags=maint,ignore_jobs", "nodes=ALL", "users=root",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("prepare", "options", "reason"),
    cases_in_ci(
        (_busy, (), "QOSMaxJobsPerUserLimit"),
        (lambda _: None, ("--lumi-account", GPU_MINUTES_ACCOUNT), "AssocGrpGRESMinutes"),
        (_drained, (), "DRAINED"),
        (_maintenance, (), "Reserved for maintenance"),
    ),
)
def test_job_never_starts(
    player: Player, prepare: Callable[[Player], None], options: tuple[str, ...], reason: str
) -> None:
    prepare(player)
    before = [job.split()[0] for job in player.jobs()]
    seen = player.verify("--job", str(TRAIN), "--lumi-queue-timeout", "0.2", *options)
    assert seen.code == 1, seen.out
    assert seen.cause == "job-pending-forever"
    assert seen.outcomes()["test_job_started"] == "failed"
    assert [n for n, o in seen.outcomes().items() if o == "failed"] == ["test_job_started"]
    finding = seen.verdict["findings"][0]
    assert reason in finding["observed"][0]
    assert "--lumi-queue-timeout" in " ".join(finding["observed"])
    assert [job.split()[0] for job in player.jobs()] == before, "the job was cancelled"
