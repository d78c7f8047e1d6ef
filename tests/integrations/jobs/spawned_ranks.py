"""The script starts its ranks by itself, with torch.multiprocessing; rank 0 makes the run."""

import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import wandb
from torch.nn.parallel import DistributedDataParallel


def worker(rank, world_size):
    os.environ["MASTER_ADDR"] = "127.0.0.1"
    os.environ["MASTER_PORT"] = "29541"
    dist.init_process_group("gloo", rank=rank, world_size=world_size)
    run = wandb.init(project="spawn-demo", config={"lr": 1e-2}) if rank == 0 else None
    model = DistributedDataParallel(torch.nn.Linear(20, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(20):
        x = torch.randn(64, 20)
        y = x[:, :4].argmax(1)
        out = model(x)
        loss = torch.nn.functional.cross_entropy(out, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if run:
            run.log({"loss": loss.item(), "acc": (out.argmax(1) == y).float().mean().item()})
    if run:
        run.finish()
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(worker, args=(2,), nprocs=2)
