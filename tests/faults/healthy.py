"""Healthy variants: nothing is wrong, and nothing may be said to be."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from harness.loopback.accounts import Accounts, User
from harness.loopback.faults import Fault
from tests.faults.scenario import PRELUDE, Scenario, Stage, init_job

BUSY_AT_INIT = Fault(operation="UpsertBucket", status=429, retry_after="1", times=2)
BUSY_WHILE_LOGGING = Fault(path="/file_stream", status=429, retry_after="1", times=1)
SDKS = ("0.19.5", "0.24.2", "0.26.1", "0.28.2", "0.30.0")
"""Older SDKs of the matrix; the plain variant has the newest."""
SHARED = """
import wandb
settings = wandb.Settings(x_primary=rank == 0, x_label=f"rank{rank}", x_stats_sampling_interval=0.5)
run = wandb.init(id=os.environ["SHARED_ID"], project="scenario", mode="shared", config=CONFIG, settings=settings)
if rank == 0:
    train(run)
else:
    time.sleep(1.5)
run.finish()
"""
OWN_STEP = """
run.define_metric("epoch"); run.define_metric("*", step_metric="epoch")
    for e in range(3):
        run.log({"epoch": 10 * e, **epoch(e)}); time.sleep(0.6)
    run.finish()
"""
TWO_CALLS = """
for e in range(3):
        for batch in range(5): run.log({"loss": 2.0 / (1 + 5 * e + batch)})
        run.log({"acc": 30.0 + 10 * e}); time.sleep(0.6)
    run.finish()
"""
LONG = """
for step in range(3000): run.log({"loss": 100.0 / (1 + step), "acc": step / 30})
    run.finish()
"""
PREFIXED = """
for e in range(3):
        run.log({"train/loss": 1.0 / (1 + e), "train/acc": 50.0 + e}); time.sleep(0.6)
    run.finish()
"""
NESTED = '{"optimizer": {"name": "adam", "betas": [0.9, 0.999]}, "learning_rate": 0.001}'
NETRC = "machine {HOST} login user password {KEY}\n"
OTHER_NETRC = "machine github.com login me password 0123456789\nmachine api.wandb.ai login user password {KEY}\n"
NEIGHBOURS = """
import glob, os, tempfile, time, wandb
while not glob.glob("work/wandb/run-*"):
    time.sleep(0.1)
run = wandb.init(project="somebody-elses", dir=tempfile.gettempdir(), settings=wandb.Settings(console="off"))
for step in range(3):
    run.log({"x": step})
os._exit(0)
"""
WITHOUT_PROJECT = init_job().replace('project="scenario", ', "")
FIRST_RANK_ONLY = init_job('mode="online" if rank == 0 else "disabled"', guard="if True:", train="train(run)")
OWN_LOGIN = init_job(before='import wandb\nwandb.login(key=os.environ["WANDB_API_KEY"])')
TAGGED = init_job('group="mine", tags=["a", "b"], name="Example run", job_type="x"')
NEIGHBOUR = User(username="neighbour", default_entity="loopback", teams=("loopback",))


@contextlib.contextmanager
def neighbour(stage: Stage) -> Iterator[None]:
    """Somebody else's run begins in the temporary folder while the job runs, and is never closed."""
    script = stage.root / "neighbour.py"
    script.write_text(NEIGHBOURS)
    env, quiet = {**stage.env, "WANDB_MODE": "offline"}, subprocess.DEVNULL
    with subprocess.Popen([sys.executable, str(script)], cwd=stage.root, env=env, stdout=quiet, stderr=quiet):
        yield


def earlier_runs(*, count: int = 2, run_id: str = "") -> object:
    """Runs of the same name that are in the project already: one's own, and a colleague's in the same team."""

    @contextlib.contextmanager
    def hook(stage: Stage) -> Iterator[None]:
        colleague = stage.server.accounts.users[-1].api_key
        for number in range(count):
            fixed = f'id="{run_id}", resume="allow", ' if run_id else ""
            script = stage.root / "earlier.py"
            script.write_text(
                PRELUDE + init_job(f'{fixed}name="Example run"', train="train(run, 2, 0.1); run.finish()")
            )
            key = colleague if number % 2 and not run_id else stage.server.api_key
            folder = stage.root / "elsewhere"
            folder.mkdir(exist_ok=True)
            env = {**stage.env, "WANDB_API_KEY": key}
            subprocess.run(
                [sys.executable, str(script)], cwd=folder, env=env, timeout=60, check=True, capture_output=True
            )
        yield

    return hook


HEALTHY = (
    Scenario(name="ok-plain", nproc=2),
    Scenario(name="ok-one-rank"),
    *(Scenario(name=f"ok-{version}", sdk=version) for version in SDKS),
    Scenario(name="ok-netrc", env={"WANDB_API_KEY": None}, files={"~/.netrc": NETRC}),
    Scenario(name="ok-own-group-and-tags", job=TAGGED, nproc=2),
    Scenario(name="ok-resumed", job=init_job('id="again", resume="allow"'), hook=earlier_runs(count=1, run_id="again")),
    Scenario(
        name="ok-requeued-fixed-id",
        env={"WANDB_RUN_ID": "fixed1", "WANDB_RESUME": "allow"},
        hook=earlier_runs(count=1, run_id="fixed1"),
    ),
    Scenario(name="ok-shared-writers", job=SHARED, env={"SHARED_ID": "shared1"}, nproc=3),
    Scenario(name="ok-prefixed-metrics", job=init_job(train=PREFIXED), options=("--expect", "train/loss,train/acc")),
    Scenario(name="ok-silent", env={"WANDB_SILENT": "true"}),
    Scenario(name="ok-console-off", env={"WANDB_CONSOLE": "off"}),
    Scenario(
        name="ok-old-and-foreign-runs",
        job=init_job('name="Example run"'),
        hook=earlier_runs(count=3),
        server={"accounts": Accounts((User(), NEIGHBOUR))},
    ),
    Scenario(name="ok-foreign-run-in-the-temporary-folder", hook=neighbour),
    Scenario(name="ok-slow-server", misbehave=(Fault(delay_s=1.0),)),
    Scenario(name="ok-429-at-init-then-well", misbehave=(BUSY_AT_INIT,)),
    Scenario(name="ok-429-while-logging", misbehave=(BUSY_WHILE_LOGGING,)),
    Scenario(name="ok-500-then-well", misbehave=(Fault(operation="UpsertBucket", status=500, times=1),)),
    Scenario(name="ok-nested-config", job=init_job(before=f"CONFIG = {NESTED}")),
    Scenario(name="ok-own-step-metric", job=init_job(train=OWN_STEP)),
    Scenario(name="ok-loss-and-acc-apart", job=init_job(train=TWO_CALLS)),
    Scenario(name="ok-long-run", job=init_job(train=LONG)),
    Scenario(name="ok-renamed", job=init_job(train='run.name = "renamed"; train(run); run.finish()')),
    Scenario(name="ok-team", job=init_job('entity="loopback-team"')),
    Scenario(
        name="ok-entity-variable",
        env={"WANDB_ENTITY": "loopback-team", "WANDB_PROJECT": "elsewhere"},
        job=WITHOUT_PROJECT,
    ),
    Scenario(name="ok-path-prefix", server={"prefix": "/wandb"}),
    Scenario(name="ok-no-finish", job=init_job(train="train(run)")),
    Scenario(name="ok-other-ranks-disabled", job=FIRST_RANK_ONLY, nproc=2),
    Scenario(name="ok-disabled-run-before", job=init_job(before='import wandb\nwandb.init(mode="disabled").finish()')),
    Scenario(name="ok-login-in-script", job=OWN_LOGIN),
    Scenario(name="ok-unused-netrc-entries", files={"~/.netrc": OTHER_NETRC}),
    Scenario(name="ok-script-overrides-mode", env={"WANDB_MODE": "offline"}, job=init_job('mode="online"')),
    Scenario(name="ok-old-word-for-online", env={"WANDB_MODE": "run"}),
    Scenario(name="ok-offline-without-key", options=("--offline",), env={"WANDB_API_KEY": None}),
    Scenario(name="ok-offline-as-asked", options=("--offline",)),
    Scenario(name="ok-offline-and-synced", options=("--offline", "--sync")),
)
