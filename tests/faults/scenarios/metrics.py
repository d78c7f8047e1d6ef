"""Scenarios about metrics: named otherwise, too few, not finite, no numbers, steps that go back."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from harness.loopback.faults import Fault
from tests.faults.scenario import PRELUDE, Scenario, Stage, edited, init_job

ABSENT = ("test_series_is_present[loss]",)
SHORT = ("test_series_has_every_point[loss]",)
ENDLESS = ("test_series_is_finite[loss]",)
DIVERGES = """
    for e in range(3):
        for _ in range(STEPS):
            loss = model(torch.full((1, 1), 3.0)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        epoch(e); run.log({"loss": loss.item(), "acc": 30.0}); time.sleep(0.5)
    run.finish()
"""
LEARNS_TOO_FAST = """
import torch
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
"""
"""Each step of this training makes the loss some 300 times as large."""
FINITE = (edited(r"math\.[ni][an][nf]", "1.0"),)
EACH = {"HARNESS_WANDB_EXPECT": "loss,acc"}

NUMPY_NAN = """
import numpy
    for e in range(4):
        loss = numpy.float32("nan") if e else numpy.float32(2.0)
        print(f"Epoch {e + 1}, Loss: {loss}", flush=True)
        run.log({"loss": loss, "acc": 10.0 * e}); time.sleep(0.5)
    run.finish()
"""
RANKS_DIFFER = """
print(f"Epoch 1, Loss: {2.0 + rank}", flush=True)
"""
TWO_COUNTERS = """
for e in range(3):
        for batch in range(4): run.log({"loss": 1.0 / (1 + e)}, step=4 * e + batch)
        run.log({"acc": 30.0 + e}, step=e); time.sleep(0.4)
    run.finish()
"""
EPOCHS = """
for e in range(EPOCHS_FROM, EPOCHS_FROM + 3):
        run.log({"epoch": e, **epoch(e)}); time.sleep(0.4)
    run.finish()
"""

INSTALLED = 'sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "installed"))\n'
"""Stand-ins of packages lie there: beside the script, they would be taken for the user's own modules."""
LIGHTNING = """
import wandb
class WandbLogger:
    def __init__(self, **given): self.run = wandb.init(**given)
class Trainer:
    def __init__(self, logger, log_every_n_steps=50): self.logger, self.every = logger, log_every_n_steps
    def fit(self, module):
        for step in range(24):
            self.logged = {}
            module.log = lambda name, value: self.logged.update({name: value})
            module.training_step(step)
            if (step + 1) % self.every == 0: self.logger.run.log({**self.logged, "trainer/global_step": step})
        self.logger.run.log({"lr-Adam": 0.01, "trainer/global_step": 23})
"""
TRAINED_BY_LIGHTNING = f"""{INSTALLED}
from lightning import Trainer, WandbLogger
class Module:
    def training_step(self, step): time.sleep(0.1); self.log("train/loss", 1.0 / (step + 1))
Trainer(logger=WandbLogger(project="scenario")).fit(Module())
"""
BOARD = """
import time
try:
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.summary.writer import event_file_writer
except ImportError:
    event_file_writer = None
class SummaryWriter:
    def __init__(self, logdir="runs"):
        self.files = event_file_writer and event_file_writer.EventFileWriter(logdir)
    def add_scalar(self, name, value, step):
        if self.files:
            summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=name, simple_value=value)])
            self.files.add_event(event_pb2.Event(wall_time=time.time(), step=step, summary=summary))
    def close(self):
        if self.files: self.files.close()
"""
"""Writes as the real one does where the package tensorboard is installed, and else nothing."""
WRITTEN_TO_TENSORBOARD = f"""{INSTALLED}
import wandb
from tensorboardX import SummaryWriter
run, writer = wandb.init(project="scenario"), SummaryWriter()
for step in range(10): writer.add_scalar("Loss/train", 1.0 / (step + 1), step); time.sleep(0.3)
writer.close(); run.finish()
"""
ACCELERATE = """
class Accelerator:
    def __init__(self, log_with=None): self.log_with, self.run = log_with, None
    def init_trackers(self, project, config=None, init_kwargs={}):
        import wandb
        given = {"project": project, "config": config, **init_kwargs.get("wandb", {})}
        self.run = wandb.init(**given) if self.log_with == "wandb" else None
    def log(self, metrics, step):
        if self.run: self.run.log(metrics, step=step)
"""
LOGGED_TO_NOBODY = f"""{INSTALLED}
import wandb
from accelerate import Accelerator
accelerator = Accelerator()
run = wandb.init(project="scenario", name="by-hand")
for step in range(10): accelerator.log({{"train_loss": 1.0 / (step + 1)}}, step=step); time.sleep(0.3)
run.finish()
"""


def log(body: str, epochs: int = 3) -> str:
    """A job that logs what the body says in each epoch `e`."""
    return init_job(train=f"for e in range({epochs}): epoch(e); run.log({body}); time.sleep(0.5)\n    run.finish()")


def diverges(steps: int) -> str:
    """A training whose loss becomes infinite, and then NaN, after so many steps in each of its epochs."""
    return init_job(before=LEARNS_TOO_FAST, train=DIVERGES.replace("STEPS", str(steps)))


def resumed(first: int, again: int) -> dict[str, object]:
    """A run that logged epochs from `first` on is resumed, and logs epochs from `again` on."""
    job = init_job('id="again1", resume="allow"', train=EPOCHS)

    @contextlib.contextmanager
    def earlier(stage: Stage) -> Iterator[None]:
        script = stage.root / "earlier.py"
        script.write_text(PRELUDE + f"EPOCHS_FROM = {first}\n" + job)
        folder = stage.root / "elsewhere"
        folder.mkdir()
        subprocess.run(
            [sys.executable, str(script)], cwd=folder, env=stage.env, timeout=60, check=True, capture_output=True
        )
        yield

    return {"job": f"EPOCHS_FROM = {again}\n" + job, "hook": earlier}


SCENARIOS = (
    Scenario(
        name="rows-that-do-not-appear",
        expect="metric-reader-too-early",
        misbehave=(Fault(path="/file_stream", lose=True),),
        failed=("test_nothing_was_lost",),
    ),
    Scenario(
        name="loss-renamed",
        expect="metric-missing-key",
        job=log('{"train_loss": 2.0 / (e + 1), "acc": 30.0 + e}'),
        failed=ABSENT,
    ),
    Scenario(
        name="loss-nested",
        expect="metric-missing-key",
        job=log('{"train": {"loss": 2.0 / (e + 1)}, "acc": 30.0 + e}'),
        failed=ABSENT,
    ),
    Scenario(
        name="accuracy-not-logged",
        expect="metric-missing-key",
        job=log('{"loss": 2.0 / (e + 1)}'),
        env=EACH,
        failed=("test_series_is_present[acc]",),
    ),
    Scenario(
        name="loss-renamed-offline",
        expect="metric-missing-key",
        job=log('{"Loss": 2.0 / (e + 1), "acc": 30.0 + e}'),
        options=("--offline",),
        failed=ABSENT,
    ),
    Scenario(
        name="nothing-logged",
        expect="metric-missing-key",
        job=init_job(train="[(epoch(e), time.sleep(0.5)) for e in range(3)]; run.finish()"),
        failed=ABSENT,
    ),
    Scenario(
        name="one-epoch", expect="metric-short-series", job=init_job(train="train(run, 1); run.finish()"), failed=SHORT
    ),
    Scenario(
        name="fewer-epochs-than-asked",
        expect="metric-short-series",
        env={"HARNESS_WANDB_EXPECT_POINTS": "5"},
        failed=SHORT,
    ),
    Scenario(
        name="loss-nan",
        expect="metric-nan-loss",
        job=diverges(8),
        failed=ENDLESS,
    ),
    Scenario(
        name="loss-infinite",
        expect="metric-nan-loss",
        job=diverges(6),
        failed=ENDLESS,
    ),
    Scenario(
        name="loss-nan-from-the-start",
        expect="metric-nan-loss",
        by_hand=FINITE,
        job=log('{"loss": math.nan, "acc": 30.0}'),
        failed=ENDLESS,
    ),
    Scenario(
        name="loss-nan-offline",
        expect="metric-nan-loss",
        job=diverges(8),
        options=("--offline",),
        failed=ENDLESS,
    ),
    Scenario(
        name="loss-nan-0.19.5",
        expect="metric-nan-loss",
        sdk="0.19.5",
        job=diverges(8),
        failed=ENDLESS,
    ),
    Scenario(
        name="numpy-nan-old-sdk",
        expect="metric-np-nan-dropped",
        by_hand=(edited('numpy.float32("nan") if e else ', ""),),
        sdk="0.24.2",
        job=init_job(before="import numpy", train=NUMPY_NAN.replace("\nimport numpy\n    ", "")),
        failed=SHORT,
    ),
    Scenario(
        name="steps-go-back",
        expect="metric-nonmonotonic-step",
        job=init_job(train="for e in (5, 6, 1, 2): run.log(epoch(e), step=e); time.sleep(0.4)\n    run.finish()"),
        options=("--expect-points", "4"),
        failed=SHORT,
    ),
    Scenario(
        name="steps-go-back-enough-points",
        expect="metric-nonmonotonic-step",
        job=init_job(train="for e in (5, 6, 1, 7): run.log(epoch(e), step=e); time.sleep(0.4)\n    run.finish()"),
        failed=("test_steps_increase[loss]",),
    ),
    Scenario(
        name="loss-is-text",
        expect="metric-not-number",
        job=log('{"loss": f"tensor({2.0 / (e + 1)})", "acc": 30.0 + e}'),
        failed=ABSENT,
    ),
    Scenario(
        name="loss-is-histogram",
        expect="metric-not-number",
        job=log('{"loss": wandb.Histogram([1.0, 2.0, 3.0]), "acc": 30.0 + e}'),
        failed=ABSENT,
    ),
    Scenario(name="log-takes-a-dictionary", expect="metric-not-number", job=log("2.0 / (e + 1)")),
    Scenario(
        name="loss-is-flat", expect="metric-constant", kind="warning", job=log('{"loss": 2.302585, "acc": 10.0 + e}')
    ),
    Scenario(name="epochs-begin-anew", expect="metric-resumed-offset", kind="warning", **resumed(0, 0)),
    Scenario(name="ok-epochs-go-on", **resumed(0, 3)),
    Scenario(
        name="ranks-have-their-own-loss",
        expect="metric-rank0-local-only",
        kind="info",
        job=init_job(before=RANKS_DIFFER),
        nproc=2,
    ),
    Scenario(name="console-off", expect="console-log-missing", kind="info", env={"WANDB_CONSOLE": "off"}),
    Scenario(
        name="loss-is-none",
        expect="metric-not-number",
        job=log('{"loss": None, "acc": 30.0 + e}'),
        failed=ABSENT,
        by_hand=(edited("None", "2.0 / (e + 1)"),),
    ),
    Scenario(
        name="epochs-and-batches-as-steps",
        expect="metric-nonmonotonic-step",
        job=init_job(train=TWO_COUNTERS),
        failed=("test_steps_increase[loss]",),
    ),
    Scenario(
        name="every-row-left-open",
        expect="metric-rows-merged",
        job=init_job(train="[(run.log(epoch(e), commit=False), time.sleep(0.3)) for e in range(5)]; run.finish()"),
        failed=("test_series_has_every_point",),
    ),
    Scenario(
        name="always-the-same-step",
        expect="metric-rows-merged",
        job=init_job(train="[(run.log(epoch(e), step=0), time.sleep(0.3)) for e in range(5)]; run.finish()"),
        failed=("test_series_has_every_point",),
        also=frozenset({"sys-run-too-short"}),
    ),
    Scenario(
        name="ok-rows-closed-by-the-last-call",
        job=init_job(
            train="""
    for e in range(3):
        row = epoch(e); run.log({"loss": row["loss"]}, commit=False); run.log({"acc": row["acc"]}); time.sleep(0.5)
    run.finish()
"""
        ),
    ),
    Scenario(
        name="only-in-the-summary",
        expect="metric-missing-key",
        env=EACH,
        job=init_job(
            train='[run.log({"loss": epoch(e)["loss"]}) for e in range(3)]; run.summary["acc"] = 50.0; run.finish()'
        ),
        failed=("test_series_is_present[acc]",),
    ),
    Scenario(
        name="lightning-logs-too-seldom",
        expect="metric-logged-too-seldom",
        job=TRAINED_BY_LIGHTNING,
        files={"installed/lightning.py": LIGHTNING},
        failed=ABSENT,
    ),
    Scenario(
        name="tensorboard-not-synced",
        expect="metric-tensorboard-not-synced",
        job=WRITTEN_TO_TENSORBOARD,
        files={"installed/tensorboardX.py": BOARD},
        failed=ABSENT,
        timeout_s=240,
    ),
    Scenario(
        name="accelerate-without-tracker",
        expect="init-framework-without-logger",
        job=LOGGED_TO_NOBODY,
        files={"installed/accelerate.py": ACCELERATE},
        failed=ABSENT,
    ),
)
