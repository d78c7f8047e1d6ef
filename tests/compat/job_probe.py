"""The job's end of an SDK: run by each version's own interpreter, does one thing and prints what it saw as JSON."""

import json
import math
import os
import signal
import sys
import time
from pathlib import Path

import wandb

VALUES = [1.0, 0.5, math.nan, math.inf, 0.25, 0.125]


def start(**options):
    settings = wandb.Settings(x_stats_sampling_interval=0.2)
    return wandb.init(project="compat", settings=settings, **options)


def train(run, values):
    for value in values:
        sys.stdout.write(f"loss {value}\n")
        run.log({"loss": value, "acc": 10, "nested": {"inner": 1}})


def log():
    began = time.monotonic()
    run = start(
        config={"learning_rate": 0.1, "model": {"depth": 2}},
        tags=["guide", "ddp"],
        group="the group",
        job_type="train",
        notes="some notes",
        name="Example run",
    )
    started = time.monotonic()
    train(run, VALUES)
    Path("extra.txt").write_text("extra\n", encoding="utf-8")
    run.save("extra.txt")
    time.sleep(0.6)  # two samples of the system metrics
    ending = time.monotonic()
    run.finish()
    return {"id": run.id, "init_s": started - began, "finish_s": time.monotonic() - ending}


def resume(run_id, mode):
    run = start(id=run_id, resume=mode)
    first_step = run.starting_step
    train(run, [0.1, 0.05])
    run.finish()
    return {"id": run.id, "resumed": run.resumed, "first_step": first_step}


def fail():
    run = start(id="fails")
    train(run, [1.0])
    raise RuntimeError("the training broke")


def kill():
    run = start(id="killed")
    train(run, [1.0])
    os.kill(os.getpid(), signal.SIGKILL)


def offline():
    run = start(id="offline1", mode="offline", name="Offline run", tags=["later"])
    train(run, VALUES)
    run.finish()
    return {"id": run.id, "dir": str(Path(run.dir).parent)}


def shared():
    """A run with a fixed id that does not ask to resume."""
    run = start(id="shared")
    train(run, [5.0, 6.0])
    run.finish()
    return {"id": run.id}


def simple():
    settings = wandb.Settings(init_timeout=20, x_disable_stats=True)
    run = wandb.init(project="compat", settings=settings)
    train(run, [1.0])
    run.finish()
    return {"id": run.id}


ACTIONS = {f.__name__: f for f in (simple, log, resume, fail, kill, offline, shared)}

if __name__ == "__main__":
    answer = ACTIONS[sys.argv[1]](*sys.argv[2:])
    sys.stdout.write(f"PROBE {json.dumps(answer)}\n")
