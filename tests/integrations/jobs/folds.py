"""Cross-validation: a run for each fold, on purpose, with finish() between them."""

import os

import torch
import wandb

FOLDS = 3


def train(fold):
    with wandb.init(
        project="folds-demo", group="kfold", job_type="train", name=f"fold-{fold}", config={"fold": fold}
    ) as run:
        model = torch.nn.Linear(20, 4)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(10):
            x = torch.randn(64, 20)
            y = x[:, :4].argmax(1)
            out = model(x)
            loss = torch.nn.functional.cross_entropy(out, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log({"loss": loss.item(), "val_acc": (out.argmax(1) == y).float().mean().item()})


if __name__ == "__main__" and int(os.environ.get("RANK", 0)) == 0:
    for fold in range(FOLDS):
        train(fold)
