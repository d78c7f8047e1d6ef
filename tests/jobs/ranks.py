"""Look like the DDP training job, without torch: ranks, the same lines and the same logging, in seconds.

Standalone: wandb only. torchrun starts it as any script; ``python ranks.py --nproc 2`` starts its own ranks.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any, NoReturn

SIGTERM_EXIT = 128 + signal.SIGTERM


def say(line: str) -> None:
    """Print in one write: torchrun's workers are unbuffered, and the ranks share one output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def stop(*_: object) -> NoReturn:
    """Answer SIGTERM: unwind with 143."""
    sys.exit(SIGTERM_EXIT)


def parse() -> argparse.Namespace:
    """Read the options; they mean what they mean to ddp_vit.py."""
    cli = argparse.ArgumentParser(description="A training look-alike that logs to W&B.", allow_abbrev=False)
    cli.add_argument("--nproc", type=int, default=0, help="start so many ranks; without it, be one")
    cli.add_argument("--epochs", type=int, default=4)
    cli.add_argument("--pause", type=float, default=0.3, help="seconds an epoch takes")
    cli.add_argument("--min-seconds", type=float, default=0.0)
    cli.add_argument("--project", help="default: $WANDB_PROJECT, else LUMI-visualtransformer")
    cli.add_argument("--entity")
    cli.add_argument("--name", default="Example run")
    cli.add_argument("--stats-interval", type=float)
    cli.add_argument("--upload-interval", type=int)
    return cli.parse_args()


def launch(nproc: int) -> int:
    """Start ``nproc`` ranks of this script with torchrun's variables; returns the first exit status not 0."""
    own = [word for i, word in enumerate(sys.argv) if word != "--nproc" and sys.argv[i - 1] != "--nproc"]
    ranks = []
    for rank in map(str, range(nproc)):
        env = {**os.environ, "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": str(nproc)}
        ranks.append(subprocess.Popen([sys.executable, *own], env=env))
    try:
        return next((status for status in [child.wait() for child in ranks] if status), 0)
    finally:
        for child in ranks:
            if child.poll() is None:
                child.terminate()
                child.wait()


def start_run(options: argparse.Namespace, world_size: int) -> Any:
    """Call ``wandb.init`` as ddp_vit.py does; returns the run."""
    import wandb  # only rank 0 pays for it

    wanted = {
        "x_stats_sampling_interval": options.stats_interval,
        "x_file_stream_transmit_interval": options.upload_interval,
    }
    return wandb.init(
        project=options.project or (None if os.environ.get("WANDB_PROJECT") else "LUMI-visualtransformer"),
        entity=options.entity,
        name=options.name,
        settings=wandb.Settings(**{name: value for name, value in wanted.items() if value}),
        config={
            "learning_rate": 0.001,
            "architecture": "none",
            "epochs": options.epochs,
            "batch_size": 32,
            "world_size": world_size,
        },
    )


def main() -> int:
    """Be one rank, or all of them; returns the exit status."""
    begun = time.monotonic()
    options = parse()
    signal.signal(signal.SIGTERM, stop)
    if options.nproc:
        return launch(options.nproc)
    rank = int(os.environ.get("RANK", "0"))
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    place = f"local rank {os.environ.get('LOCAL_RANK', '0')}, host {socket.gethostname()}, device cpu"
    say(f"Rank {rank} of {world_size} joined ({place})")
    run = None
    try:
        if rank == 0:
            say("Wandb init")
            run = start_run(options, world_size)
        for epoch in range(1, options.epochs + 1):
            time.sleep(options.pause)
            if run is not None:
                loss, acc = 2.0 / epoch, 100.0 - 60.0 / epoch
                say(f"Epoch {epoch}, Loss: {loss}")
                say(f"Accuracy: {acc}%")
                run.log({"acc": acc, "loss": loss})
        time.sleep(max(0.0, begun + options.min_seconds - time.monotonic()))
    except SystemExit:
        if run is not None:
            run.finish(exit_code=SIGTERM_EXIT)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
