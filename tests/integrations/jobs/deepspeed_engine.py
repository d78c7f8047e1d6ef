"""DeepSpeed with its own monitor for W&B, switched on in the configuration."""

import deepspeed
import torch
from deepspeed.accelerator import get_accelerator

CONFIG = {
    "train_micro_batch_size_per_gpu": 16,
    "steps_per_print": 5,
    "optimizer": {"type": "Adam", "params": {"lr": 1e-2, "torch_adam": True}},
    "wandb": {"enabled": True, "project": "deepspeed-demo"},
}


def main():
    deepspeed.init_distributed("gloo")
    net = torch.nn.Sequential(torch.nn.Linear(20, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
    engine, *_ = deepspeed.initialize(model=net, model_parameters=net.parameters(), config=CONFIG)
    for _ in range(30):
        x = torch.randn(16, 20).to(get_accelerator().current_device_name())
        loss = torch.nn.functional.cross_entropy(engine(x), x[:, :4].argmax(1))
        engine.backward(loss)
        engine.step()
        if engine.monitor.enabled:
            engine.monitor.write_events([("Train/Samples/train_loss", loss.item(), engine.global_samples)])
    print("done", loss.item())


if __name__ == "__main__":
    main()
