"""PyTorch Lightning with DDP, WandbLogger, a checkpoint, a learning-rate monitor and workers that load data."""

import lightning as L
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_info, rank_zero_only
from torch.utils.data import DataLoader, TensorDataset


class Classifier(L.LightningModule):
    def __init__(self, lr=1e-2):
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Sequential(torch.nn.Linear(20, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))

    def training_step(self, batch, _):
        loss, acc = self.judge(batch)
        self.log("train/loss", loss, prog_bar=True)
        self.log("train/acc", acc)
        return loss

    def validation_step(self, batch, _):
        loss, acc = self.judge(batch)
        self.log_dict({"val/loss": loss, "val/acc": acc}, sync_dist=True)

    def judge(self, batch):
        x, y = batch
        out = self.net(x)
        return F.cross_entropy(out, y), (out.argmax(1) == y).float().mean()

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2)]


def loader(n, shuffle):
    x = torch.randn(n, 20, generator=torch.Generator().manual_seed(n))
    return DataLoader(TensorDataset(x, x[:, :4].argmax(1)), batch_size=32, shuffle=shuffle, num_workers=1)


@rank_zero_only
def describe(logger):
    logger.experiment.config.update({"dataset": "toy"})


if __name__ == "__main__":
    L.seed_everything(1)
    logger = WandbLogger(project="lightning-demo", name="classifier", log_model=False)
    describe(logger)
    trainer = L.Trainer(
        accelerator="cpu",
        devices=2,
        strategy="ddp",
        max_epochs=3,
        logger=logger,
        log_every_n_steps=4,
        callbacks=[ModelCheckpoint(monitor="val/loss"), LearningRateMonitor("epoch")],
    )
    trainer.fit(Classifier(), loader(768, shuffle=True), loader(128, shuffle=False))
    rank_zero_info("best checkpoint: %s", trainer.checkpoint_callback.best_model_path)
