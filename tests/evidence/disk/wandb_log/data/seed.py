"""Logs a small offline run that touches most record types; runs under any SDK version (see README.txt)."""

import time

import wandb

run = wandb.init(
    project="seed",
    name="Example run",
    group="grp",
    job_type="train",
    tags=["a", "b"],
    notes="n",
    id="seed0001",
    config={"lr": 0.1, "model": {"depth": 2, "names": ["x", "y"]}},
    mode="offline",
)
run.define_metric("epoch")
run.define_metric("val/*", step_metric="epoch")
run.define_metric("loss", summary="min")
for i in range(12):
    row = {"loss": 1.0 / (i + 1), "acc": float("nan") if i == 5 else i / 12, "epoch": i}
    if i % 4 == 3:
        row |= {"val/acc": i / 24, "nested": {"a": i, "b": {"c": i * 2}}, "text": "hi", "flag": True}
    run.log(row)
print("hello from the seed")  # noqa: T201 - the console is captured
run.log({"h": wandb.Html("<p>x</p>"), "inf": float("inf")})
run.summary["best"] = 3
run.config.update({"late": 1})
time.sleep(2.5)
run.finish()
