"""Train a vision transformer with DDP, and survive what a cluster does: a requeue, a time limit, a server that is gone.

Standalone: torch, torchvision and wandb only. Start it with torchrun or srun; see examples/requeue.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import wandb
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset
from torchvision.models import VisionTransformer

STOPPED = 128 + signal.SIGTERM
CLASSES, SIDE = 10, 32
stop_asked = False


def ask_to_stop(*_: object) -> None:
    """SIGTERM or USR1 came: the time limit is near, or Slurm requeues the job. Leave after this epoch."""
    global stop_asked  # noqa: PLW0603 - a signal handler has nowhere else to leave its word
    stop_asked = True


def say(line: str) -> None:
    """Print in one write: the ranks share one output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def parse() -> argparse.Namespace:
    """Read the options."""
    cli = argparse.ArgumentParser(description="Train a ViT with DDP; go on where the last start ended.")
    cli.add_argument("--epochs", type=int, default=4)
    cli.add_argument("--epoch-seconds", type=float, default=0.0, help="an epoch lasts at least so long")
    cli.add_argument("--checkpoint", type=Path, default=Path("checkpoint.pt"))
    cli.add_argument("--patience", type=float, default=60.0, help="seconds to wait for W&B, at start and end")
    cli.add_argument("--project", default=os.environ.get("WANDB_PROJECT", "LUMI-visualtransformer"))
    cli.add_argument("--stats-interval", type=float, help="seconds between system metrics")
    cli.add_argument("--upload-interval", type=int, help="seconds between uploads")
    return cli.parse_args()


def start_run(options: argparse.Namespace, config: dict[str, Any]) -> Any:
    """Begin the run, or continue it after a restart; where the server does not answer, log offline."""
    settings: dict[str, Any] = {"init_timeout": options.patience}
    if "finish_timeout" in getattr(wandb.Settings, "model_fields", {}):  # since 0.27
        settings["finish_timeout"] = options.patience
    if options.stats_interval:
        settings["x_stats_sampling_interval"] = options.stats_interval
    if options.upload_interval:
        settings["x_file_stream_transmit_interval"] = options.upload_interval
    named: dict[str, Any] = {
        "project": options.project,
        "name": "Example run",
        "config": config,  # nothing that differs from start to start
        "id": os.environ.get("SLURM_JOB_ID"),  # the same after a requeue
        "resume": "allow",  # begin it where it is not there yet, else continue it
    }
    try:
        return wandb.init(**named, settings=wandb.Settings(**settings))
    except wandb.errors.CommError:
        wandb.teardown()  # or the id counts as in use
        return wandb.init(**named, mode="offline", settings=wandb.Settings(**settings))  # `wandb sync` afterwards


def save(path: Path, **state: Any) -> None:
    """Write a checkpoint so that a kill in the middle of it leaves the last one whole."""
    new = path.with_suffix(".tmp")
    torch.save(state, new)
    new.replace(path)


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Take up the last checkpoint; returns the epoch to begin with."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["rng"])
    return int(state["epoch"]) + 1


def images(count: int) -> TensorDataset:
    """Make images that can be learnt: each class has its own brightness, under noise."""
    dice = torch.Generator().manual_seed(20)
    labels = torch.randint(CLASSES, (count,), generator=dice)
    noise = torch.randn(count, 3, SIDE, SIDE, generator=dice)
    return TensorDataset(labels[:, None, None, None] / CLASSES + 0.2 * noise, labels)


def one_epoch(model: Any, optimizer: torch.optim.Optimizer, loader: DataLoader[Any], device: torch.device) -> Any:
    """Train one pass; returns loss and accuracy over all ranks, and whether any rank was asked to stop."""
    sums = torch.zeros(4, device=device)
    for pixels, labels in loader:
        optimizer.zero_grad()
        answer = model(pixels.to(device))
        loss = nn.functional.cross_entropy(answer, labels.to(device))
        loss.backward()
        optimizer.step()
        right = (answer.argmax(1) == labels.to(device)).sum()
        sums += torch.stack([loss.detach(), torch.ones_like(loss), right, torch.full_like(loss, len(labels))])
    dist.all_reduce(sums)
    loss, batches, right, seen = sums.tolist()
    return loss / batches, 100 * right / seen


def anyone_stops(device: torch.device) -> bool:
    """Whether some rank was asked to stop: all leave together, or those that stay would wait for ever."""
    asked = torch.tensor(float(stop_asked), device=device)
    dist.all_reduce(asked)
    return bool(asked.item())


def rest(until: float) -> None:
    """Wait for the end of a short epoch."""
    while not stop_asked and time.monotonic() < until:
        time.sleep(0.05)


def main() -> int:
    """Train, log from rank 0, and return the exit code: 0, or 143 where the job was asked to stop."""
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, ask_to_stop)
    options = parse()
    rank = int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")))
    world = int(os.environ.get("WORLD_SIZE", os.environ.get("SLURM_NTASKS", "1")))
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    device = torch.device("cuda", torch.cuda.current_device()) if gpu else torch.device("cpu")
    dist.init_process_group("nccl" if gpu else "gloo", rank=rank, world_size=world)
    say(f"Rank {rank} of {world} joined")
    torch.manual_seed(20)
    bare = VisionTransformer(
        image_size=SIDE, patch_size=8, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=CLASSES
    ).to(device)
    model = DistributedDataParallel(bare, device_ids=[device.index] if gpu else None)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    first = load(options.checkpoint, bare, optimizer)  # every rank
    data = images(320)
    sampler: DistributedSampler[Any] = DistributedSampler(data, num_replicas=world, rank=rank, seed=20)
    loader = DataLoader(data, batch_size=32, sampler=sampler)
    config = {"learning_rate": 1e-3, "architecture": "vit_tiny", "epochs": options.epochs, "batch_size": 32}
    run = start_run(options, config) if rank == 0 else None
    for epoch in range(first, options.epochs):
        begun = time.monotonic()
        sampler.set_epoch(epoch)
        loss, accuracy = one_epoch(model, optimizer, loader, device)
        if run:
            say(f"Epoch {epoch + 1}, Loss: {loss}")
            run.log({"acc": accuracy, "loss": loss}, step=epoch)  # log first: W&B drops a step that it has
            save(
                options.checkpoint, epoch=epoch, model=bare.state_dict(), optimizer=optimizer.state_dict(),
                rng=torch.get_rng_state(),
            )  # fmt: skip
        rest(begun + options.epoch_seconds)
        if anyone_stops(device):
            break
    if run:
        run.finish(exit_code=STOPPED if stop_asked else 0)
    dist.destroy_process_group()
    return STOPPED if stop_asked else 0


if __name__ == "__main__":
    sys.exit(main())
