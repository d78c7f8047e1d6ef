"""Optuna: a run for each trial, on purpose."""

import os

import optuna
import torch
import wandb


def objective(trial):
    lr = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
    run = wandb.init(project="optuna-demo", group="study", config={"lr": lr}, reinit=True)
    model = torch.nn.Linear(20, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(10):
        x = torch.randn(64, 20)
        loss = torch.nn.functional.cross_entropy(model(x), x[:, :4].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log({"loss": loss.item()})
    run.finish()
    return loss.item()


if __name__ == "__main__" and int(os.environ.get("RANK", 0)) == 0:
    study = optuna.create_study()
    study.optimize(objective, n_trials=3)
