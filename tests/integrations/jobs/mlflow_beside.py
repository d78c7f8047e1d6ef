"""MLflow beside W&B: both are told the same."""

import os

import mlflow
import torch
import torch.distributed as dist
import wandb

dist.init_process_group("gloo")
rank = dist.get_rank()
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(20, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
if rank == 0:
    mlflow.set_tracking_uri("sqlite:///mlflow.db" if os.environ.get("MLFLOW_DB") else "file:./mlruns")
    mlflow.set_experiment("demo")
    mlflow.start_run()
    mlflow.log_params({"lr": 1e-2})
    run = wandb.init(project="mlflow-demo", config={"lr": 1e-2})
for step in range(20):
    x = torch.randn(64, 20)
    y = x[:, :4].argmax(1)
    out = model(x)
    loss = torch.nn.functional.cross_entropy(out, y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    if rank == 0:
        metrics = {"loss": loss.item(), "acc": (out.argmax(1) == y).float().mean().item()}
        mlflow.log_metrics(metrics, step=step)
        run.log(metrics, step=step)
if rank == 0:
    mlflow.end_run()
    run.finish()
dist.destroy_process_group()
