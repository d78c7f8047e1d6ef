"""Lightning that goes on after a requeue: the run of the Slurm job, and the last checkpoint."""

import os
import signal
import sys
import time

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from torch.utils.data import DataLoader, TensorDataset


class Net(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(20, 4)

    def training_step(self, batch, _):
        x, y = batch
        loss = torch.nn.functional.cross_entropy(self.net(x), y)
        time.sleep(0.25)
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-2)


def main():
    L.seed_everything(1)
    x = torch.randn(128, 20)
    logger = WandbLogger(project="lightning-requeue", id=os.environ.get("SLURM_JOB_ID"), resume="allow")
    trainer = L.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=8,
        logger=logger,
        enable_progress_bar=False,
        log_every_n_steps=4,
        callbacks=[ModelCheckpoint("checkpoints", save_last=True, save_on_train_epoch_end=True)],
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    trainer.fit(
        Net(),
        DataLoader(TensorDataset(x, x[:, :4].argmax(1)), batch_size=32),
        ckpt_path="last",
    )


if __name__ == "__main__":
    main()
