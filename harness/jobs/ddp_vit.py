"""Train a vision transformer with DDP and log loss and accuracy to W&B from rank 0, as the guide does.

Standalone: torch, torchvision and wandb only (h5py when an HDF5 file is given). Start it with torchrun:
``python -m torch.distributed.run --standalone --nnodes=1 --nproc_per_node=8 ddp_vit.py``, or with ``srun``.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import torch
import torch.distributed as dist
import wandb
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, Subset
from torchvision.models import VisionTransformer, vit_b_16
from torchvision.transforms.v2 import functional as images_to

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGTERM_EXIT = 128 + signal.SIGTERM
SEED = 20
CLASSES = 10
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # ImageNet's, as in the guide


def say(line: str) -> None:
    """Print in one write: torchrun's workers are unbuffered, and the ranks share one output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Parser(argparse.ArgumentParser):
    """Refuses a bad option in one sentence, once for all ranks."""

    def error(self, message: str) -> NoReturn:
        """Print ``message`` on rank 0 and exit with 2."""
        if os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0":
            sys.stderr.write(f"{self.prog}: {message}\n")
        sys.exit(2)


def at_least(kind: type[int | float], least: float, *, above: bool = False) -> Any:
    """Return an argparse type: a finite ``kind`` of ``least`` or more (more than ``least`` if ``above``)."""
    wanted = f"a {'whole ' if kind is int else ''}number {'above' if above else 'of at least'} {least}"

    def convert(text: str) -> float:
        with contextlib.suppress(ValueError):
            value = kind(text)
            if math.isfinite(value) and (value > least or (value == least and not above)):
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}.")

    return convert


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the options; exits with 2 and one sentence if one is wrong."""
    cli = Parser(description="Train a ViT with DDP and log to W&B from rank 0.", allow_abbrev=False)
    cli.add_argument("--epochs", type=at_least(int, 1), default=4)
    cli.add_argument("--batch-size", type=at_least(int, 1), default=32, help="images per rank and step")
    cli.add_argument("--learning-rate", type=at_least(float, 0, above=True), help="default: 1e-3, vit_b_16 1e-4")
    cli.add_argument("--images", type=at_least(int, 20), default=640, help="how many images, 4 of 5 to train on")
    cli.add_argument("--model", choices=["auto", "tiny", "vit_b_16"], default="auto")
    cli.add_argument("--data", metavar="FILE", help="the guide's HDF5 file; generated images without it")
    cli.add_argument("--project", help="default: $WANDB_PROJECT, else LUMI-visualtransformer")
    cli.add_argument("--entity", help="default: the one of the W&B settings")
    cli.add_argument("--name", default="Example run")
    cli.add_argument("--min-seconds", type=at_least(float, 0), default=0.0, help="go on training so long")
    cli.add_argument("--stats-interval", type=at_least(float, 0.1), help="seconds between system metrics")
    cli.add_argument("--upload-interval", type=at_least(int, 1), help="seconds between uploads (the SDK's: 15)")
    options = cli.parse_args(argv)
    if options.data and not Path(options.data).is_file():
        cli.error(f"--data {options.data} is not a file.")
    if options.data:
        try:
            import h5py  # noqa: F401 - optional: only this option needs it
        except ImportError:
            cli.error("--data needs h5py, which this Python lacks.")
    return options


@dataclass(frozen=True)
class Rank:
    """Where this process stands among all processes of the job."""

    rank: int
    world_size: int
    local_rank: int


def find_rank(env: Mapping[str, str]) -> Rank:
    """Read torchrun's variables, else Slurm's (plain ``srun``), else stand alone."""

    def first(*names: str, default: int) -> int:
        return next((int(env[name]) for name in names if env.get(name)), default)

    return Rank(
        first("RANK", "SLURM_PROCID", default=0),
        first("WORLD_SIZE", "SLURM_NTASKS", default=1),
        first("LOCAL_RANK", "SLURM_LOCALID", default=0),
    )


def join(me: Rank) -> torch.device:
    """Join the process group (RCCL/NCCL with GPUs, else gloo) and return this rank's device."""
    if "MASTER_ADDR" not in os.environ:
        if int(os.environ.get("SLURM_NNODES", "1")) > 1:
            sys.exit("MASTER_ADDR and MASTER_PORT must be set on several nodes.")
        os.environ["MASTER_ADDR"] = "127.0.0.1"
    if "MASTER_PORT" not in os.environ:
        os.environ["MASTER_PORT"] = str(20000 + int(os.environ.get("SLURM_JOB_ID", os.getpid())) % 10000)
    gpu = torch.cuda.is_available()
    if gpu:  # with one visible GPU per rank, every rank's GPU has the number 0
        torch.cuda.set_device(me.local_rank % torch.cuda.device_count())
    device = torch.device("cuda", torch.cuda.current_device()) if gpu else torch.device("cpu")
    if not gpu and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    dist.init_process_group("nccl" if gpu else "gloo", rank=me.rank, world_size=me.world_size)
    host = socket.gethostname()
    place = f"local rank {me.local_rank}, host {host}, device {device}"
    say(f"Rank {me.rank} of {me.world_size} joined ({place})")
    return device


class Generated:
    """Images that can be learnt: each class is a coloured grating of its own direction, under noise."""

    classes = CLASSES

    def __init__(self, count: int, side: int) -> None:
        """Make ``count`` float images of 3 x ``side`` x ``side`` in 0..1; the same ones every time."""
        self.side = side
        dice = torch.Generator().manual_seed(SEED)
        self.labels = torch.randint(CLASSES, (count,), generator=dice)
        angle = math.pi * self.labels / CLASSES
        phase = 2 * math.pi * torch.rand(count, generator=dice)
        y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
        across = torch.cos(angle)[:, None, None] * x + torch.sin(angle)[:, None, None] * y
        grating = torch.sin(0.8 * across + phase[:, None, None])[:, None]
        hue = 2 * math.pi * (self.labels[:, None] / CLASSES + torch.arange(3) / 3)
        colour = 0.5 + 0.1 * torch.cos(hue)[:, :, None, None]
        noise = torch.randn(count, 3, 32, 32, generator=dice)
        self.images = (colour + 0.1 * grating + 0.3 * noise).clamp(0, 1)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return prepare(self.images[index], self.side), self.labels[index]


class Hdf5:
    """The guide's file: ``images`` (N x 3 x H x W, floats in 0..1 or bytes) and ``labels`` (N)."""

    def __init__(self, path: str, count: int, side: int) -> None:
        """Open ``path``; at most ``count`` images, spread evenly over the file, are used."""
        import h5py

        file = h5py.File(path, "r")
        self.side = side
        self.images = file["images"]
        labels = torch.as_tensor(file["labels"][:], dtype=torch.long)
        self.classes = int(labels.max()) + 1
        self.rows = torch.linspace(0, len(labels) - 1, min(count, len(labels))).long()
        self.labels = labels[self.rows]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = torch.as_tensor(self.images[int(self.rows[index])])
        return prepare(images_to.to_dtype(image, torch.float32, scale=True), self.side), self.labels[index]


def prepare(image: Any, side: int) -> Any:
    """Scale one 3 x H x W image to ``side`` x ``side`` and normalise it."""
    if image.shape[-2:] != (side, side):
        image = images_to.center_crop(images_to.resize(image, [side * 8 // 7], antialias=True), [side, side])
    return images_to.normalize(image, MEAN, STD)


def build(options: argparse.Namespace, device: torch.device) -> tuple[str, Any, Any, float]:
    """Return the architecture's name, the data, the model on ``device`` and the learning rate."""
    name = options.model
    if name == "auto":
        name = "vit_b_16" if device.type == "cuda" else "tiny"
    tiny = name == "tiny"
    side = 32 if tiny else 224
    data = Hdf5(options.data, options.images, side) if options.data else Generated(options.images, side)
    torch.manual_seed(SEED)
    if tiny:
        model = VisionTransformer(
            image_size=side, patch_size=8, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=128,
            num_classes=data.classes,
        )  # fmt: skip
    else:
        model = vit_b_16(weights=None, num_classes=data.classes)
    return (
        "vit_tiny" if tiny else name,
        data,
        model.to(device),
        options.learning_rate or (1e-3 if tiny else 1e-4),
    )


class Stopped(Exception):  # noqa: N818 - it is a request, not an error
    """SIGTERM came: leave between two batches."""


class Termination:
    """Turns SIGTERM into a flag, and leaves for a main thread that is stuck in a collective.

    Python runs signal handlers in the main thread between bytecodes, never while that thread waits inside
    RCCL or gloo; the wake-up descriptor is written at once, so a second thread reads it.
    """

    def __init__(self, patience: float = 5.0) -> None:
        """Install the handler; ``patience`` is how many seconds the main thread has to react."""
        self.run: Any = None
        self._patience = patience
        self._came = threading.Event()
        self._leaving = threading.Lock()
        self._wakeup, write = os.pipe()
        os.set_blocking(write, False)
        signal.signal(signal.SIGTERM, lambda *_: None)  # a Python handler, or nothing is written
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while os.read(self._wakeup, 1)[0] != signal.SIGTERM:
            pass
        self._came.set()
        time.sleep(self._patience)
        if self._leaving.acquire(blocking=False):
            self._finish()

    def check(self) -> None:
        """Raise `Stopped` if SIGTERM came."""
        if self._came.is_set():
            raise Stopped

    def explains(self, wait: float = 1.0) -> bool:
        """Whether SIGTERM comes within ``wait`` seconds: then a rank that left broke the collective."""
        return self._came.wait(wait)

    def leave(self) -> NoReturn:
        """Close the run as terminated and end the process with 143, without a word to the other ranks."""
        if not self._leaving.acquire(blocking=False):
            threading.Event().wait()  # the watching thread is at it and ends the process
        self._finish()

    def _finish(self) -> NoReturn:
        if self.run is not None:
            with contextlib.suppress(wandb.Error, OSError):  # wandb-core may have got SIGTERM too
                self.run.finish(exit_code=SIGTERM_EXIT)
                wandb.teardown(exit_code=SIGTERM_EXIT)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(SIGTERM_EXIT)  # a regular exit would wait for ranks that are gone


def start_run(options: argparse.Namespace, architecture: str, learning_rate: float, world_size: int) -> Any:
    """Call ``wandb.init`` as the guide does; returns the run."""
    say("Wandb init")
    fields: Any = getattr(wandb.Settings, "model_fields", None) or wandb.Settings.__annotations__
    stats = ("x_stats_sampling_interval", "_stats_sampling_interval", "_stats_sample_rate_seconds")
    upload = ("x_file_stream_transmit_interval", "_file_stream_transmit_interval")
    settings: dict[str, float] = {}
    for names, value in ((stats, options.stats_interval), (upload, options.upload_interval)):
        if value:  # the setting's name depends on the SDK's version
            settings[next(name for name in names if name in fields)] = value
    project = options.project or (None if os.environ.get("WANDB_PROJECT") else "LUMI-visualtransformer")
    return wandb.init(
        project=project,
        entity=options.entity,
        name=options.name,
        settings=wandb.Settings(**settings),
        config={
            "learning_rate": learning_rate,
            "architecture": architecture,
            "epochs": options.epochs,
            "batch_size": options.batch_size,
            "world_size": world_size,
        },
    )


class Trainer:
    """The training loop of one rank."""

    def __init__(self, model: Any, data: Any, me: Rank, options: argparse.Namespace, rate: float) -> None:
        """Split ``data`` 4 : 1 into training and validation images and share both among the ranks."""
        device = next(model.parameters()).device
        self.device = device
        self.model = DistributedDataParallel(model, device_ids=[device.index] if device.type == "cuda" else None)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(SEED)).tolist()
        cut = len(data) * 4 // 5
        self.sampler, self.train_loader = self._share(Subset(data, order[:cut]), me, options.batch_size)
        _, self.val_loader = self._share(Subset(data, order[cut:]), me, options.batch_size)

    @staticmethod
    def _share(part: Any, me: Rank, batch_size: int) -> tuple[Any, Any]:
        sampler = DistributedSampler(part, num_replicas=me.world_size, rank=me.rank, seed=SEED)
        return sampler, DataLoader(part, batch_size=batch_size, sampler=sampler)

    def _step(self, model: Any, batch: tuple[Any, Any]) -> float:
        images, labels = (part.to(self.device) for part in batch)
        self.optimizer.zero_grad()
        loss = self.criterion(model(images), labels)
        loss.backward()
        return float(loss.item())

    def epoch(self, number: int, stop: Termination) -> tuple[float, float]:
        """Train one pass and validate; returns the mean loss and the accuracy in percent, over all ranks."""
        self.sampler.set_epoch(number)
        self.model.train()
        running_loss = 0.0
        for batch in self.train_loader:
            stop.check()
            running_loss += self._step(self.model, batch)
            self.optimizer.step()
        self.model.eval()
        correct = total = 0
        with torch.no_grad():
            for images, labels in self.val_loader:
                stop.check()
                predicted = self.model.module(images.to(self.device)).argmax(1)
                total += len(labels)
                correct += int((predicted == labels.to(self.device)).sum())
        sums = torch.tensor([running_loss, len(self.train_loader), correct, total], device=self.device)
        dist.all_reduce(sums)
        loss, batches, right, seen = sums.tolist()
        return loss / batches, 100 * right / seen

    def keep_busy(self, until: float, stop: Termination) -> None:
        """Go on computing, each rank for itself and without changing the model, until that monotonic time."""
        while time.monotonic() < until:
            for batch in self.train_loader:
                stop.check()
                if time.monotonic() >= until:
                    break
                self._step(self.model.module, batch)
                if self.device.type == "cpu":
                    time.sleep(0.05)  # leave the cores to those who watch


def train(options: argparse.Namespace, me: Rank, stop: Termination) -> None:
    """Join, train and log; one row of acc (percent) and loss an epoch, from rank 0 only."""
    device = join(me)
    architecture, data, model, rate = build(options, device)
    if me.rank == 0:
        stop.run = start_run(options, architecture, rate, me.world_size)
    trainer = Trainer(model, data, me, options, rate)  # all ranks wait for each other here
    end = time.monotonic() + options.min_seconds
    for number in range(options.epochs):
        loss, acc = trainer.epoch(number, stop)
        if me.rank == 0:
            say(f"Epoch {number + 1}, Loss: {loss}")
            say(f"Accuracy: {acc}%")
            stop.run.log({"acc": acc, "loss": loss})
    trainer.keep_busy(end, stop)
    dist.barrier()
    dist.destroy_process_group()


def main() -> None:
    """Run the job; ends with 0, with 143 after SIGTERM, with 2 for a wrong option."""
    options = parse()
    stop = Termination()
    try:
        train(options, find_rank(os.environ), stop)
    except Stopped:
        stop.leave()
    except RuntimeError:  # what a broken collective raises (dist.DistBackendError is one)
        if not stop.explains():
            raise
        stop.leave()


if __name__ == "__main__":
    main()
