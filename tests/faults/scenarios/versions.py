"""Scenarios about SDK versions and what scripts ask of them."""

from tests.faults.scenario import Scenario, init_job

NO_RUN = ("test_init_succeeded",)

SCENARIOS = (
    Scenario(name="yanked-sdk", expect="ver-sdk-yanked-0260", kind="warning", sdk="0.26.0"),
    Scenario(
        name="require-core",
        expect="ver-legacy-service-removed",
        kind="warning",
        job=init_job(before='import wandb\nwandb.require("core")'),
    ),
    Scenario(
        name="require-core-0.19.5",
        expect="ver-legacy-service-removed",
        kind="warning",
        sdk="0.19.5",
        job=init_job(before='import wandb\nwandb.require("core")'),
    ),
    Scenario(
        name="require-legacy-service",
        expect="ver-legacy-service-removed",
        job=init_job(before='import wandb\nwandb.require("legacy-service")'),
        failed=NO_RUN,
    ),
    Scenario(name="setting-unknown", expect="ver-setting-names", job=init_job(settings="bad_name=1"), failed=NO_RUN),
    Scenario(
        name="setting-unknown-0.19.5",
        expect="ver-setting-names",
        sdk="0.19.5",
        job=init_job(settings="bad_name=1"),
        failed=NO_RUN,
    ),
    Scenario(
        name="reading-back-fails",
        expect="ver-api-exceptions-changed",
        job=init_job(train='train(run); run.finish(); wandb.Api().run("loopback/scenario/nosuchrun").state'),
        failed=("test_job_completed",),
    ),
    Scenario(
        name="feature-that-the-server-lacks",
        expect="ver-server-too-old",
        job=init_job(train='train(run); run.finish(); wandb.Api().registry("models")'),
        failed=("test_job_completed",),
    ),
    Scenario(name="offline-files", expect="ver-offline-files-differ", kind="info", options=("--offline",)),
    Scenario(
        name="reading-back",
        expect="ver-api-creates-dirs",
        kind="info",
        job=init_job(
            train='train(run); run.finish(); wandb.Api().run("/".join((run.entity, run.project, run.id))).state'
        ),
    ),
    Scenario(
        name="disabled-run-before",
        expect="ver-mode-disabled-scope",
        sdk="0.19.1",
        job=init_job(before='import wandb\nprint("wandb", wandb.__version__)\nwandb.init(mode="disabled").finish()'),
        failed=NO_RUN,
    ),
    Scenario(name="old-banner", expect="ver-core-banner", kind="info", sdk="0.19.5"),
)
