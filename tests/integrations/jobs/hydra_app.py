"""Hydra and OmegaConf: the whole configuration goes to W&B; every rank runs the app, rank 0 makes the run."""

import os

import hydra
import torch
import torch.distributed as dist
import wandb
from omegaconf import DictConfig, OmegaConf
from torch.nn.parallel import DistributedDataParallel


@hydra.main(version_base=None, config_path="hydra_conf", config_name="config")
def main(cfg: DictConfig) -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    run = None
    if rank == 0:
        print("working directory:", os.getcwd())
        run = wandb.init(config=OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True), **cfg.wandb)
    torch.manual_seed(rank)
    model = DistributedDataParallel(torch.nn.Linear(20, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        for _ in range(8):
            x = torch.randn(64, 20)
            y = x[:, :4].argmax(1)
            out = model(x)
            loss = torch.nn.functional.cross_entropy(out, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if run is not None:
            run.log(
                {"train": {"loss": loss.item(), "accuracy": (out.argmax(1) == y).float().mean().item()}, "epoch": epoch}
            )
    if run is not None:
        run.finish()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
