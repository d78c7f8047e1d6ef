"""TensorBoard's writer, which W&B reads along because of sync_tensorboard=True."""

import time

import torch
import torch.distributed as dist
import wandb
from torch.utils.tensorboard import SummaryWriter

dist.init_process_group("gloo")
rank = dist.get_rank()
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(20, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
if rank == 0:
    wandb.init(project="tensorboard-demo", sync_tensorboard=True, config={"lr": 1e-2})
    writer = SummaryWriter("logs")
torch.manual_seed(rank)
for step in range(30):
    x = torch.randn(64, 20)
    y = x[:, :4].argmax(1)
    out = model(x)
    loss = torch.nn.functional.cross_entropy(out, y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    if rank == 0:
        writer.add_scalar("Loss/train", loss.item(), step)
        writer.add_scalars("Accuracy", {"train": (out.argmax(1) == y).float().mean().item()}, step)
        writer.add_histogram("weights", model.module.weight, step)
    time.sleep(0.05)
if rank == 0:
    writer.close()
    wandb.finish()
dist.destroy_process_group()
