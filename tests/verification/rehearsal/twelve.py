"""Twelve scripts in the styles of their users: six that are right, and six that are each wrong in one way.

They save a row's epoch only when the row has had time to be uploaded: a signal may end wandb-core too.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.verification.rehearsal.scripts import RIGHT, changed

PLAIN = changed(
    RIGHT,
    ("init_timeout=4", "init_timeout=8"),
    ("        checkpoint.write_text(json.dumps(epoch))\n", ""),
    ("        time.sleep(1)\n", "        time.sleep(2)\n        checkpoint.write_text(json.dumps(epoch))\n"),
)

CONTEXT = """
import argparse, os, signal, sys, time
from pathlib import Path
import wandb

def main():
    cli = argparse.ArgumentParser()
    cli.add_argument("--epochs", type=int, default=6)
    cli.add_argument("--state", type=Path, default=Path("epoch.txt"))
    options = cli.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ.setdefault("WANDB_RUN_ID", os.environ.get("SLURM_JOB_ID", "by-hand"))
    os.environ["WANDB_RESUME"] = "allow"
    first = int(options.state.read_text()) if options.state.exists() else 0
    with wandb.init(project="vit", settings=wandb.Settings(x_file_stream_transmit_interval=1)) as run:
        for epoch in range(first, options.epochs):
            print(f"Epoch {epoch + 1}, Loss: {1 / (epoch + 1)}", flush=True)
            run.log({"train/loss": 1 / (epoch + 1), "train/acc": 10.0 * epoch}, step=epoch)
            time.sleep(2)
            options.state.write_text(str(epoch + 1))

main()
"""
"""The run within `with`, its id from the environment."""

RANKS = """
import json, os, signal, sys, time
from pathlib import Path
import wandb

rank = int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
place = Path("state.json")
start = json.loads(place.read_text())["step"] if place.exists() else 0
run = None
if rank == 0:
    settings = wandb.Settings(x_file_stream_transmit_interval=1, init_timeout=30, finish_timeout=4)
    run = wandb.init(project="vit", id=f"vit-{os.environ.get('SLURM_JOB_ID', 0)}", resume="allow", settings=settings)
for step in range(start, 6):
    if run:
        wandb.log({"loss": 1 / (step + 1)}, step=step)
    time.sleep(2)
    if run:
        place.with_suffix(".tmp").write_text(json.dumps({"step": step + 1}))
        place.with_suffix(".tmp").replace(place)
if run:
    run.finish()
"""
"""Two ranks, of which one has the run and saves."""

FLAG = """
import os, signal, sys, time
from pathlib import Path
import wandb

stop = False

def ask(number, frame):
    global stop
    stop = True

def load():
    found = sorted(Path("saved").glob("epoch-*"))
    return int(found[-1].name.rpartition("-")[2]) + 1 if found else 0

for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, ask)
Path("saved").mkdir(exist_ok=True)
run = wandb.init(
    project="vit", name="flag", id=os.environ.get("SLURM_JOB_ID"), resume="allow",
    settings=wandb.Settings(finish_timeout=4, x_file_stream_transmit_interval=1),
)
for epoch in range(load(), 6):
    run.log({"loss": 1 / (epoch + 1)}, step=epoch)
    time.sleep(2)
    if stop:
        break
    Path(f"saved/epoch-{epoch}").touch()
run.finish(exit_code=143 if stop else 0)
sys.exit(143 if stop else 0)
"""
"""Its handler only sets a flag; each epoch has a checkpoint of its own."""

KEPT = """
import dataclasses, json, signal, sys, time, uuid
from pathlib import Path
import wandb

@dataclasses.dataclass
class Config:
    lr: float = 0.1
    layers: tuple = (64, 64)
    epochs: int = 6

def run_id(file):
    if not file.exists():
        file.write_text(uuid.uuid4().hex[:12])
    return file.read_text()

config = Config()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
state = {"epoch": 0}
if Path("last.json").exists():
    state = json.loads(Path("last.json").read_text())
wandb.init(
    project="vit", id=run_id(Path("run-id")), resume="allow", config=dataclasses.asdict(config),
    settings={"x_file_stream_transmit_interval": 1},
)
while state["epoch"] < config.epochs:
    wandb.log({"loss": 1 / (state["epoch"] + 1)}, step=state["epoch"])
    time.sleep(2)
    state["epoch"] += 1
    Path("last.json").write_text(json.dumps(state))
wandb.finish()
"""
"""A configuration class of its own; the id is made once and kept beside the checkpoint."""

AUTO = """
import pickle, signal, sys, time
from pathlib import Path
import wandb

class Trainer:
    def __init__(self, file):
        self.file, self.epoch, self.weights = file, 0, [0.0]
        if file.exists():
            self.epoch, self.weights = pickle.loads(file.read_bytes())

    def save(self):
        new = self.file.with_suffix(".new")
        new.write_bytes(pickle.dumps((self.epoch, self.weights)))
        new.replace(self.file)

    def fit(self, run, epochs):
        while self.epoch < epochs:
            self.weights = [w + 0.1 for w in self.weights]
            run.log({"loss": 1 / (self.epoch + 1), "weight": self.weights[0]}, step=self.epoch)
            time.sleep(2)
            self.epoch += 1
            self.save()

def stop(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, stop)
run = wandb.init(project="vit", resume="auto", settings=wandb.Settings(x_file_stream_transmit_interval=1))
try:
    Trainer(Path("trainer.pkl")).fit(run, 6)
except KeyboardInterrupt:
    run.finish(exit_code=143)
    sys.exit(143)
run.finish()
"""
"""A trainer class; W&B itself finds the run that was broken off."""

NO_ID = changed(
    CONTEXT,
    ('    os.environ.setdefault("WANDB_RUN_ID", os.environ.get("SLURM_JOB_ID", "by-hand"))\n', ""),
    ('    os.environ["WANDB_RESUME"] = "allow"\n', ""),
)
OTHER_ID = changed(KEPT, ("    if not file.exists():\n        file", "    file"))
NO_CHECKPOINT = changed(FLAG, ("range(load(), 6)", "range(6)"), (", step=epoch)", ")"))
STEP_AGAIN = changed(
    AUTO, ("        while", "        step = 0\n        while"), ("step=self.epoch)", "step=step); step += 1")
)
OTHER_CONFIG = changed(PLAIN, ("with run:\n", "run.config.update({'started': time.time()})\nwith run:\n"))
UPLOAD = """        wandb.log({"loss": 1 / (step + 1)}, step=step)
        artifact = wandb.Artifact(f"model-{step}", "model")
        artifact.add_file(__file__)
        run.log_artifact(artifact).wait()
"""
WAITS = changed(RANKS, ('        wandb.log({"loss": 1 / (step + 1)}, step=step)\n', UPLOAD))


@dataclass(frozen=True, kw_only=True)
class Script:
    """A script, the outage that is played on it, and the cause that each rehearsal should name; None: it passes."""

    name: str
    text: str
    outage: str
    cause_of_outage: str | None = None
    cause_of_requeue: str | None = None
    ranks: int = 1


TWELVE = (
    Script(name="context", text=CONTEXT, outage="middle silence"),
    Script(name="plain", text=PLAIN, outage="start refuse"),
    Script(name="ranks", text=RANKS, outage="middle 5xx", ranks=2),
    Script(name="flag", text=FLAG, outage="end refuse"),
    Script(name="kept", text=KEPT, outage="middle 401"),
    Script(name="auto", text=AUTO, outage="middle refuse"),
    Script(name="no-id", text=NO_ID, outage="middle refuse", cause_of_requeue="reh-new-run"),
    Script(name="other-id", text=OTHER_ID, outage="middle slow", cause_of_requeue="reh-id-changes"),
    Script(name="no-checkpoint", text=NO_CHECKPOINT, outage="end refuse", cause_of_requeue="reh-no-checkpoint"),
    Script(name="step-again", text=STEP_AGAIN, outage="middle 5xx", cause_of_requeue="reh-step-starts-again"),
    Script(name="other-config", text=OTHER_CONFIG, outage="start refuse", cause_of_requeue="reh-config-changes"),
    Script(name="waits", text=WAITS, outage="end silence", cause_of_outage="reh-loop-waits", ranks=2),
)
