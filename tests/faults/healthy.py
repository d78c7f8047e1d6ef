"""Healthy variants: nothing is wrong, and nothing may be said to be."""

from tests.faults.scenario import Scenario, init_job

HEALTHY = (
    Scenario(name="ok-plain"),
    Scenario(name="ok-silent", expect=None, env={"WANDB_SILENT": "true"}),
    Scenario(name="ok-group-and-tags", job=init_job('group="mine", tags=["a"], name="Example run"'), nproc=2),
)
