"""Scripts of frameworks' users, whole and with one thing wrong, and what is right to say of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

JOBS = Path(__file__).with_name("jobs")


@dataclass(frozen=True)
class Case:
    """A script, what is changed in it, and the root cause that is right; None for a verification that passes."""

    script: str
    needs: str
    """The modules without which it does not run."""
    root: str | None = None
    says: tuple[str, ...] = ()
    """Words of the framework that the finding must hold."""
    edits: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    passes: bool = True
    """Of a healthy one: a verdict of `passed`; else any but `failed`."""

    def text(self) -> str:
        """The script with its edits.

        Raises:
            ValueError: the script has not what an edit replaces.
        """
        text = (JOBS / f"{self.script}.py").read_text(encoding="utf-8")
        for old, new in self.edits.items():
            if old not in text:
                raise ValueError(f"{self.script} has no {old!r}")
            text = text.replace(old, new)
        return text


TWICE, SELDOM = "dup-one-run-per-rank", "metric-logged-too-seldom"
UNTOLD, UNSYNCED = "init-framework-without-logger", "metric-tensorboard-not-synced"
RANK_0 = 'if __name__ == "__main__" and int(os.environ.get("RANK", 0)) == 0:'
MAIN = 'if __name__ == "__main__":'
INIT = 'import wandb\n    wandb.init(project="twice")\n    '

LIGHTNING = {
    "lightning": Case("lightning_ddp", "lightning"),
    "lightning-offline": Case("lightning_ddp", "lightning", options=("--offline",)),
    "lightning-pytorch-lightning": Case(
        "lightning_ddp",
        "pytorch_lightning",
        edits={"import lightning as L": "import pytorch_lightning as L", "lightning.pytorch.": "pytorch_lightning."},
    ),
    "lightning-two-runs": Case(
        "lightning_ddp",
        "lightning",
        TWICE,
        ("WandbLogger",),
        edits={"logger = WandbLogger": f"{INIT}logger = WandbLogger"},
    ),
    "lightning-logger-not-given": Case(
        "lightning_ddp", "lightning", UNTOLD, ("logger=WandbLogger",), edits={"        logger=logger,\n": ""}
    ),
    "lightning-other-logger": Case(
        "lightning_ddp",
        "lightning",
        UNTOLD,
        ("logger=WandbLogger",),
        edits={
            'WandbLogger(project="lightning-demo", name="classifier", log_model=False)': 'CSVLogger("logs")',
            "import WandbLogger": "import CSVLogger",
            "    describe(logger)\n": "",
        },
    ),
    "lightning-other-logger-given": Case(
        "lightning_ddp",
        "lightning",
        UNTOLD,
        ("logger=WandbLogger",),
        edits={
            "logger=logger": 'logger=CSVLogger("logs")',
            "import WandbLogger": "import CSVLogger, WandbLogger",
            "    describe(logger)\n": "",
        },
    ),
    "lightning-too-seldom": Case(
        "lightning_ddp", "lightning", SELDOM, ("log_every_n_steps",), edits={"        log_every_n_steps=4,\n": ""}
    ),
    "lightning-crash": Case(
        "lightning_ddp",
        "lightning",
        "end-failed-exitcode",
        ("best_model_file",),
        edits={"best_model_path": "best_model_file"},
    ),
    "lightning-spawn": Case(
        "lightning_ddp",
        "lightning",
        edits={'strategy="ddp"': 'strategy="ddp_spawn"'},
    ),
    "fabric": Case("fabric_loop", "lightning"),
    "fabric-without-logger": Case("fabric_loop", "lightning", UNTOLD, ("loggers=",), edits={", loggers=logger": ""}),
}
HUGGING_FACE = {
    "transformers": Case("transformers_trainer", "transformers"),
    "transformers-too-seldom": Case(
        "transformers_trainer",
        "transformers",
        SELDOM,
        ("logging_steps",),
        edits={
            "        logging_steps=5,\n": "",
            'eval_strategy="epoch"': 'eval_strategy="no"',
            "    trainer.evaluate()\n": "",
        },
    ),
    "transformers-none": Case(
        "transformers_trainer",
        "transformers",
        UNTOLD,
        ('report_to="wandb"',),
        edits={'report_to="wandb"': 'report_to="none"'},
    ),
    "transformers-tensorboard": Case(
        "transformers_trainer",
        "transformers tensorboard",
        UNTOLD,
        ('report_to="wandb"',),
        edits={'report_to="wandb"': 'report_to="tensorboard"'},
    ),
    "transformers-two-runs": Case(
        "transformers_trainer",
        "transformers",
        TWICE,
        ("report_to",),
        edits={"trainer = Trainer": f"{INIT}trainer = Trainer"},
    ),
    "trl": Case("trl_sft", "trl"),
    "trl-none": Case(
        "trl_sft", "trl", UNTOLD, ('SFTConfig(report_to="wandb"',), edits={'report_to="wandb"': 'report_to="none"'}
    ),
    "trl-too-seldom": Case(
        "trl_sft", "trl", SELDOM, ("logging_steps",), edits={"logging_steps=2": "logging_steps=100"}
    ),
    "accelerate": Case("accelerate_tracking", "accelerate"),
    "accelerate-other-tracker": Case(
        "accelerate_tracking",
        "accelerate tensorboard",
        UNTOLD,
        ('log_with="wandb"',),
        edits={
            'log_with="wandb"': 'log_with="tensorboard", project_dir="logs"',
            'config=config, init_kwargs={"wandb": {"name": "first", "tags": ["toy"]}}': "config=config",
            '        accelerator.get_tracker("wandb").tracker.summary["best"] = hits / total\n': "        pass\n",
        },
    ),
    "accelerate-no-tracker": Case(
        "accelerate_tracking",
        "accelerate",
        UNTOLD,
        ("init_trackers",),
        edits={
            "    accelerator.init_trackers": "    config.update",
            '"accelerate-demo", config=config, init_kwargs={"wandb": {"name": "first", "tags": ["toy"]}}': "seed=1",
            '        accelerator.get_tracker("wandb").tracker.summary["best"] = hits / total\n': "        pass\n",
        },
    ),
    "accelerate-two-runs": Case(
        "accelerate_tracking", "accelerate", TWICE, ("log_with",), edits={"set_seed(1)": f"{INIT}set_seed(1)"}
    ),
}
OTHERS = {
    "ignite": Case("ignite_trainer", "ignite"),
    "ignite-every-rank": Case(
        "ignite_trainer", "ignite", TWICE, ("WandBLogger",), edits={"idist.get_rank() == 0": "True"}
    ),
    "ignite-without-logger": Case(
        "ignite_trainer",
        "ignite tensorboard",
        UNTOLD,
        ("WandBLogger",),
        edits={
            'WandBLogger(project="ignite-demo", name="linear", config=config, tags=["toy"])': 'TensorboardLogger("tb")',
            "wandb_logger import WandBLogger": "tensorboard_logger import TensorboardLogger",
            '        logger.watch(model, log="all")\n': "",
        },
    ),
    "skorch": Case("skorch_net", "skorch"),
    "skorch-every-rank": Case("skorch_net", "skorch", TWICE, edits={RANK_0: MAIN}),
    "skorch-without-logger": Case(
        "skorch_net",
        "skorch",
        UNTOLD,
        ("WandbLogger",),
        edits={", WandbLogger(run, save_model=False)": "", "import EpochScoring, WandbLogger": "import EpochScoring"},
    ),
    "hydra": Case("hydra_app", "hydra"),
    "hydra-every-rank": Case("hydra_app", "hydra", TWICE, edits={"if rank == 0:": "if True:"}),
    "hydra-missing": Case("hydra_app", "hydra", "job-arguments-missing", ("lr",), env={"LACKS": "lr"}),
    "tensorboard": Case("tensorboard_sync", "tensorboard"),
    "tensorboard-not-synced": Case(
        "tensorboard_sync", "tensorboard", UNSYNCED, ("sync_tensorboard",), edits={"sync_tensorboard=True, ": ""}
    ),
    "tensorboard-writer-first": Case(
        "tensorboard_sync",
        "tensorboard",
        UNSYNCED,
        ("after wandb.init()",),
        edits={
            "    wandb.init": '    writer = SummaryWriter("logs")\n    wandb.init',
            ')\n    writer = SummaryWriter("logs")\ntorch': ")\ntorch",
        },
    ),
    "mlflow": Case("mlflow_beside", "mlflow", env={"MLFLOW_DB": "", "MLFLOW_ALLOW_FILE_STORE": "true"}),
    "mlflow-alone": Case(
        "mlflow_beside",
        "mlflow",
        "metric-missing-key",
        edits={"        run.log(metrics, step=step)\n": ""},
        env={"MLFLOW_DB": "", "MLFLOW_ALLOW_FILE_STORE": "true"},
    ),
    "deepspeed": Case("deepspeed_engine", "deepspeed"),
    "deepspeed-off": Case(
        "deepspeed_engine", "deepspeed", UNTOLD, ('"wandb"',), edits={'"enabled": True': '"enabled": False'}
    ),
    "spawned-ranks": Case("spawned_ranks", "torch"),
    "spawned-every-rank": Case("spawned_ranks", "torch", TWICE, edits={" if rank == 0 else None": ""}),
    "folds": Case("folds", "torch", passes=False),
    "folds-every-rank": Case("folds", "torch", TWICE, edits={RANK_0: MAIN, 'group="kfold", job_type="train", ': ""}),
    "folds-every-rank-in-a-group": Case("folds", "torch", edits={RANK_0: MAIN}, passes=False),
    "optuna": Case("optuna_trials", "optuna", passes=False),
}
REQUEUE = ("--nproc", "1", "--rehearse", "requeue", "--rehearse-plan", "sigterm")
REQUEUES = {
    "lightning-requeue": Case("lightning_requeue", "lightning", options=REQUEUE),
    "lightning-requeue-from-the-beginning": Case(
        "lightning_requeue",
        "lightning",
        "reh-no-checkpoint",
        edits={'        ckpt_path="last",\n': ""},
        options=REQUEUE,
    ),
    "transformers-requeue": Case("transformers_requeue", "transformers", options=REQUEUE),
    "transformers-requeue-from-the-beginning": Case(
        "transformers_requeue",
        "transformers",
        "reh-no-checkpoint",
        edits={"resume_from_checkpoint=last": ""},
        options=REQUEUE,
    ),
    "accelerate-requeue": Case("accelerate_requeue", "accelerate", options=REQUEUE),
    "accelerate-requeue-new-run": Case(
        "accelerate_requeue",
        "accelerate",
        "reh-new-run",
        edits={', init_kwargs={"wandb": run}': ""},
        options=REQUEUE,
    ),
}
CASES: Mapping[str, Case] = {**LIGHTNING, **HUGGING_FACE, **OTHERS, **REQUEUES}
