"""Rules for the family init: a framework trains, and nobody told it to log to W&B."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from harness.evidence.models import Evidence
from harness.judging.metric_series import all_series, main_run
from harness.judging.rule import Hit, Rule
from harness.judging.view import made_no_run


class Attach(NamedTuple):
    """What a framework is called, and how it is told to log to W&B."""

    name: str
    how: str


FRAMEWORKS: Mapping[str, Attach] = {
    "lightning": Attach(
        "PyTorch Lightning",
        "from lightning.pytorch.loggers import WandbLogger\n"
        '  trainer = L.Trainer(logger=WandbLogger(project="{project}"), ...)',
    ),
    "fabric": Attach(
        "Lightning Fabric",
        "from lightning.pytorch.loggers import WandbLogger\n"
        '  fabric = Fabric(loggers=[WandbLogger(project="{project}")], ...)',
    ),
    "trl": Attach("TRL", 'args = SFTConfig(report_to="wandb", ...)'),
    "transformers": Attach("Transformers", 'args = TrainingArguments(report_to="wandb", ...)'),
    "accelerate": Attach(
        "Accelerate",
        'accelerator = Accelerator(log_with="wandb")\n  accelerator.init_trackers("{project}", config=config)',
    ),
    "ignite": Attach(
        "PyTorch-Ignite",
        "from ignite.handlers.wandb_logger import WandBLogger  # on rank 0 alone\n"
        '  logger = WandBLogger(project="{project}"); logger.attach_output_handler(trainer, ...)',
    ),
    "skorch": Attach(
        "skorch", "from skorch.callbacks import WandbLogger\n  NeuralNet(..., callbacks=[WandbLogger(wandb.init())])"
    ),
    "keras": Attach("Keras", "model.fit(..., callbacks=[wandb.integration.keras.WandbMetricsLogger()])"),
    "fastai": Attach(
        "fastai", "from fastai.callback.wandb import WandbCallback\n  learn.fit(..., cbs=WandbCallback())"
    ),
    "ultralytics": Attach("Ultralytics", "yolo settings wandb=True"),
    "stable_baselines3": Attach(
        "Stable-Baselines3",
        "from wandb.integration.sb3 import WandbCallback\n"
        "  run = wandb.init(sync_tensorboard=True); model.learn(..., callback=WandbCallback())",
    ),
}


def without_logger(evidence: Evidence) -> Iterator[Hit]:
    """A job that trained well with a framework, and of whose training W&B has nothing."""
    job, setup = evidence.job, evidence.setup
    look = setup.script if setup else None
    if look is None or job is None or job.ending != "completed" or look.logs_itself:
        return
    bare = [name for name in look.frameworks if name in FRAMEWORKS and name not in look.attached]
    named = [name for name in look.frameworks if name in FRAMEWORKS and name in look.attached]
    # TRL is built on Transformers, and Accelerate lies under both.
    if not bare or named:
        return
    if made_no_run(evidence):
        fails: tuple[str, ...] = ("test_init_succeeded",)
        seen = "The job ended well and made no run."
    elif main_run(evidence) is not None and not _trained(evidence):
        fails = ("test_series_is_present", "test_series_has_every_point")
        seen = "The run is there, and holds no metric."
    else:
        return
    variables = setup.place.variables if setup else {}
    off = (f"WANDB_DISABLED={variables['WANDB_DISABLED']}.",) if variables.get("WANDB_DISABLED") else ()
    attach = FRAMEWORKS[bare[0]]
    observed = (seen, f"{evidence.request.job_path} trains with {attach.name}, which is not told of W&B.", *off)
    values = {"framework": attach.name, "framework_key": bare[0], "attach": attach.how}
    yield Hit(id="init-framework-without-logger", observed=observed, values=values, fails=fails)


def _trained(evidence: Evidence) -> bool:
    return any(view.usable for key, view in all_series(evidence).items() if not key.startswith("_"))


RULES: tuple[Rule, ...] = (without_logger,)
