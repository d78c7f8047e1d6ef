"""Scenarios about modes and uploads: runs that stay on disk, and why."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.loopback.faults import Fault
from tests.compat.sdks import sdk_python
from tests.faults.scenario import GOOD, PRELUDE, Hook, Scenario, Stage, init_job

DELETED = "run loopback/scenario/x was previously created and deleted; try a new run name"
NOT_ONLINE = ("test_mode_is_online",)
NO_RUN = ("test_init_succeeded",)
FOLDER = ("--run-dir", "wandb")
KILLED = init_job(train="run.log(epoch(0)); time.sleep(1); os.kill(os.getpid(), 9)")


def offline_run(stage: Stage, *, job: str = GOOD, sdk: str | None = None, **env: str) -> Path:
    """Run a job offline with the real SDK; return its run directory."""
    python = str(sdk_python(sdk)) if sdk else sys.executable
    script = stage.root / "earlier.py"
    script.write_text(PRELUDE + stage.fill(job))
    environment = {**stage.env, "WANDB_MODE": "offline", **env}
    subprocess.run([python, str(script)], cwd=stage.work, env=environment, timeout=90, check=False, capture_output=True)
    return max((stage.work / "wandb").glob("offline-run-*"), key=lambda p: p.stat().st_mtime)


def left_behind(*, job: str = GOOD, sdk: str | None = None, keep: float = 1.0, long_ago: bool = False) -> Hook:
    """An earlier offline job, whose folder tells of an earlier month on demand; of its log only this part is kept."""

    @contextlib.contextmanager
    def hook(stage: Stage) -> Iterator[None]:
        log = next(offline_run(stage, job=job, sdk=sdk).glob("*.wandb"))
        if keep < 1:
            os.truncate(log, int(log.stat().st_size * keep))
        if long_ago:
            log.parent.rename(dated(log.parent))
        yield

    return hook


def dated(folder: Path) -> Path:
    """Name a run directory as if it had been made months ago."""
    return folder.with_name(re.sub(r"run-\d{8}_\d{6}", "run-20260101_000000", folder.name))


def restarted() -> Hook:
    """A job that was requeued while offline: two starts with one run id, some seconds apart."""

    @contextlib.contextmanager
    def hook(stage: Stage) -> Iterator[None]:
        for age_s in (3600, 0):
            found = offline_run(stage, WANDB_RUN_ID="fixed123", WANDB_RESUME="allow")
            if age_s:
                found.rename(dated(found))
        yield

    return hook


SYNC_IN_JOB = """
import glob, subprocess
found = glob.glob("wandb/offline-run-*")[0]
log = glob.glob(found + "/*.wandb")[0]
while os.path.getsize(log) < 100: time.sleep(0.1)
{before}
env = {{k: v for k, v in os.environ.items() if k not in {without!r}}}
command = [sys.executable, "-m", "wandb", "sync", {arguments}]
print(subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=-1, stderr=-2, text=True).stdout, flush=True)
"""


def sync_in_job(arguments: str = "found", *, without: tuple[str, ...] = (), before: str = "") -> str:
    """A job that logs offline and uploads its run itself, as batch scripts do."""
    return init_job('mode="offline"') + SYNC_IN_JOB.format(arguments=arguments, without=without, before=before)


SCENARIOS = (
    Scenario(name="offline-variable", expect="mode-env-offline", env={"WANDB_MODE": "offline"}, failed=NOT_ONLINE),
    Scenario(
        name="offline-argument", expect="mode-env-offline", job=init_job('mode="offline"'), failed=NOT_ONLINE, nproc=2
    ),
    Scenario(
        name="offline-set-in-the-script",
        expect="mode-env-offline",
        job=init_job(before='os.environ["WANDB_" + "MODE"] = "offline"'),
        failed=NOT_ONLINE,
    ),
    Scenario(
        name="offline-argument-0.19.5",
        expect="mode-env-offline",
        sdk="0.19.5",
        job=init_job('mode="offline"'),
        failed=NOT_ONLINE,
    ),
    Scenario(
        name="offline-workspace-file",
        expect="mode-settings-file-offline",
        files={"wandb/settings": "[default]\nmode = offline\n"},
        failed=NOT_ONLINE,
    ),
    Scenario(
        name="offline-users-file",
        expect="mode-settings-file-offline",
        files={"~/.config/wandb/settings": "[default]\nmode = offline\n"},
        failed=NOT_ONLINE,
    ),
    Scenario(name="dryrun", expect="mode-dryrun-legacy", env={"WANDB_MODE": "dryrun"}, failed=NOT_ONLINE),
    Scenario(name="disabled", expect="mode-disabled-silent", env={"WANDB_MODE": "disabled"}, failed=NOT_ONLINE),
    Scenario(
        name="disabled-workspace-file",
        expect="mode-disabled-silent",
        files={"wandb/settings": "[default]\nmode = disabled\n"},
        failed=NOT_ONLINE,
    ),
    Scenario(name="mode-empty", expect="mode-invalid-value", env={"WANDB_MODE": ""}, failed=NOT_ONLINE),
    Scenario(
        name="disabled-in-the-script",
        expect="mode-disabled-silent",
        job=init_job('mode="disabled" if os.environ.get("DEBUG", "1") else "online"'),
        failed=NO_RUN,
    ),
    Scenario(name="mode-misspelt", expect="mode-invalid-value", env={"WANDB_MODE": "onlin"}, failed=NOT_ONLINE),
    *(
        Scenario(
            name=f"mode-misspelt-in-the-job{version and '-'}{version}",
            expect="mode-invalid-value",
            sdk=version or None,
            job=init_job('mode=os.environ.get("NO_SUCH", "ONLINE")'),
            failed=NO_RUN,
        )
        for version in ("", "0.19.5")
    ),
    Scenario(
        name="wandb-disabled-variable",
        expect="mode-wandb-disabled-ineffective",
        kind="info",
        env={"WANDB_DISABLED": "true"},
    ),
    Scenario(name="silent", expect="mode-silent", kind="info", env={"WANDB_SILENT": "true"}),
    Scenario(name="never-synced", expect="sync-never-run", hook=left_behind(), command=FOLDER),
    Scenario(name="never-synced-0.19.5", expect="sync-never-run", hook=left_behind(sdk="0.19.5"), command=FOLDER),
    Scenario(name="log-cut-in-half", expect="sync-truncated-file", hook=left_behind(keep=0.5), command=FOLDER),
    Scenario(
        name="folder-of-a-killed-job",
        expect="sync-empty-file",
        hook=left_behind(job=KILLED),
        command=FOLDER,
    ),
    Scenario(  # nothing but its age tells that the writer of an empty log is gone
        name="folder-of-a-job-killed-long-ago",
        expect="sync-empty-file",
        hook=left_behind(job=KILLED, long_ago=True),
        command=FOLDER,
    ),
    Scenario(
        name="folder-of-a-killed-job-0.19.5",
        expect="sync-empty-file",
        hook=left_behind(job=KILLED, sdk="0.19.5"),
        command=FOLDER,
    ),
    Scenario(name="requeued-offline", expect="offline-resume-ignored", hook=restarted(), command=FOLDER),
    Scenario(
        name="sync-without-key",
        expect="sync-no-key",
        job=sync_in_job(without=("WANDB_API_KEY",)),
        failed=NOT_ONLINE,
    ),
    Scenario(
        name="sync-of-a-missing-path",
        expect="sync-wrong-path",
        job=sync_in_job('"wandb/offline-run-nowhere"'),
        failed=NOT_ONLINE,
    ),
    Scenario(
        name="sync-of-the-files-folder",
        expect="sync-wrong-path",
        job=sync_in_job('found + "/files"'),
        failed=NOT_ONLINE,
    ),
    Scenario(
        name="sync-of-a-run-marked-as-synced",
        expect="sync-skips-synced",
        job=sync_in_job('"wandb"', before='open(log + ".synced", "w").close()'),
        failed=NOT_ONLINE,
    ),
    Scenario(
        name="sync-of-a-torn-log",
        expect="sync-truncated-file",
        job=sync_in_job(before="os.truncate(log, os.path.getsize(log) // 2)"),
        failed=("test_nothing_was_lost",),
    ),
    Scenario(
        name="sync-of-a-deleted-run",
        expect="sync-deleted-run",
        options=("--offline", "--sync"),
        misbehave=(Fault(operation="UpsertBucket", status=409, message=DELETED, times=1),),
        failed=NO_RUN,
    ),
    Scenario(
        name="tmp-for-offline-runs",
        expect="offline-dir-in-ram",
        env={"WANDB_DIR": "/proc/nowhere"},
        options=("--offline",),
    ),
    Scenario(
        name="offline-by-a-dotenv-file",
        expect="mode-env-offline",
        files={".env": "WANDB_MODE=offline\n"},
        job=init_job(before='os.environ.update(line.strip().split("=") for line in open(".env"))'),
        failed=NOT_ONLINE,
    ),
    Scenario(
        name="ok-mode-from-the-scripts-configuration",
        env={"WANDB_MODE": "offline"},
        files={"config.json": '{"mode": "online"}'},
        job=init_job('**__import__("json").load(open("config.json"))'),
    ),
)
