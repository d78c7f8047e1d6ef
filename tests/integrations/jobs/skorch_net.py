"""skorch on rank 0 alone, with its callback WandbLogger."""

import os

import numpy as np
import torch
import wandb
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring, WandbLogger


def main():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(512, 20)).astype(np.float32)
    y = x[:, :4].argmax(1)
    run = wandb.init(project="skorch-demo", config={"lr": 0.01})
    net = NeuralNetClassifier(
        torch.nn.Sequential(torch.nn.Linear(20, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4)),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        max_epochs=5,
        lr=0.01,
        callbacks=[EpochScoring("accuracy", name="train_acc", on_train=True), WandbLogger(run, save_model=False)],
    )
    net.fit(x, y)
    run.finish()


if __name__ == "__main__" and int(os.environ.get("RANK", 0)) == 0:
    main()
