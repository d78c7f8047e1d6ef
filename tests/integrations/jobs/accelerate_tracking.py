"""Accelerate with log_with="wandb", gradient accumulation, and metrics gathered from all ranks."""

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch.utils.data import DataLoader, TensorDataset


def main():
    accelerator = Accelerator(log_with="wandb", cpu=True, gradient_accumulation_steps=2)
    config = {"lr": 1e-2, "epochs": 3}
    accelerator.init_trackers(
        "accelerate-demo", config=config, init_kwargs={"wandb": {"name": "first", "tags": ["toy"]}}
    )
    set_seed(1)
    x = torch.randn(512, 20)
    loader = DataLoader(TensorDataset(x, x[:, :4].argmax(1)), batch_size=16, shuffle=True)
    net = torch.nn.Sequential(torch.nn.Linear(20, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
    model, optimizer, loader = accelerator.prepare(net, torch.optim.Adam(net.parameters(), lr=config["lr"]), loader)
    step = 0
    for epoch in range(config["epochs"]):
        hits = total = 0
        for data, target in loader:
            with accelerator.accumulate(model):
                out = model(data)
                loss = torch.nn.functional.cross_entropy(out, target)
                accelerator.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
            guesses, answers = accelerator.gather_for_metrics((out.argmax(1), target))
            hits += (guesses == answers).sum().item()
            total += len(answers)
            if accelerator.sync_gradients:
                accelerator.log({"train_loss": loss.item()}, step=step)
                step += 1
        accelerator.log({"accuracy": hits / total, "epoch": epoch}, step=step)
        accelerator.print(f"epoch {epoch}: accuracy {hits / total:.2f}")
    if accelerator.is_main_process:
        accelerator.get_tracker("wandb").tracker.summary["best"] = hits / total
    accelerator.end_training()


if __name__ == "__main__":
    main()
