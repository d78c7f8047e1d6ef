"""Accelerate that goes on after a requeue: the run of the Slurm job, and the state that was saved."""

import os
import signal
import sys
import time

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader, TensorDataset


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    accelerator = Accelerator(log_with="wandb", cpu=True)
    run = {"id": os.environ.get("SLURM_JOB_ID"), "resume": "allow"}
    accelerator.init_trackers("accelerate-requeue", config={"lr": 1e-2}, init_kwargs={"wandb": run})
    x = torch.randn(128, 20)
    loader = DataLoader(TensorDataset(x, x[:, :4].argmax(1)), batch_size=32)
    net = torch.nn.Linear(20, 4)
    model, optimizer, loader = accelerator.prepare(net, torch.optim.Adam(net.parameters(), lr=1e-2), loader)
    first = 0
    if os.path.exists("state/epoch"):
        accelerator.load_state("state")
        first = int(open("state/epoch").read()) + 1
    for epoch in range(first, 8):
        for data, target in loader:
            loss = torch.nn.functional.cross_entropy(model(data), target)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
        accelerator.log({"loss": loss.item()}, step=epoch)
        accelerator.save_state("state")
        open("state/epoch", "w").write(str(epoch))
        time.sleep(1)
    accelerator.end_training()


if __name__ == "__main__":
    main()
