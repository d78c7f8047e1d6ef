"""Lightning Fabric: a loop of one's own that logs through WandbLogger."""

import torch
from lightning.fabric import Fabric
from lightning.pytorch.loggers import WandbLogger
from torch.utils.data import DataLoader, TensorDataset


def main():
    logger = WandbLogger(project="fabric-demo")
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp", loggers=logger)
    fabric.launch()
    fabric.seed_everything(1)
    x = torch.randn(512, 20)
    loader = fabric.setup_dataloaders(DataLoader(TensorDataset(x, x[:, :4].argmax(1)), batch_size=32, shuffle=True))
    net = torch.nn.Linear(20, 4)
    model, optimizer = fabric.setup(net, torch.optim.Adam(net.parameters(), lr=1e-2))
    step = 0
    for epoch in range(3):
        for data, target in loader:
            out = model(data)
            loss = torch.nn.functional.cross_entropy(out, target)
            fabric.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
            if step % 4 == 0:
                fabric.log_dict({"loss": loss.item(), "epoch": epoch}, step=step)
            step += 1
        acc = fabric.all_reduce((out.argmax(1) == target).float().mean())
        fabric.log("accuracy", acc.item(), step=step)
        fabric.print(f"epoch {epoch}: accuracy {acc:.2f}")


if __name__ == "__main__":
    main()
