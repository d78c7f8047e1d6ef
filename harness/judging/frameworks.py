"""Frameworks that make the run themselves: how each is told of W&B, and how its users write what a script would."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.evidence.models import Evidence
from harness.judging.metric_series import series


@dataclass(frozen=True)
class Framework:
    """A framework, in the words of its users."""

    name: str
    attach: str
    """How it is told to log to W&B; `{project}` is filled in."""
    init: tuple[str, str] = ("", "")
    """What stands before and after the arguments that a script would give to `wandb.init()`; empty where it does."""
    log: str = "run.log("
    """The call that logs a dictionary of metrics."""
    makes_one: bool = True
    """Its logger makes the run on rank 0 alone, wherever it is called."""
    step: str = ""
    """The series in which it counts its steps."""
    interval: tuple[str, int] | None = None
    """The argument that says how often it logs, and what it is where nobody gives it."""


LIGHTNING_LOGGER = ("WandbLogger(", ")")
BY_VARIABLES = ("os.environ.update(", ")  # before the framework is imported")
"""Of a framework that takes no arguments for the run; the SDK takes each of them from a variable, too."""
FRAMEWORKS: Mapping[str, Framework] = {
    "lightning": Framework(
        "PyTorch Lightning",
        "from lightning.pytorch.loggers import WandbLogger\n"
        '  trainer = L.Trainer(logger=WandbLogger(project="{project}"), ...)',
        LIGHTNING_LOGGER, "self.log_dict(", step="trainer/global_step", interval=("log_every_n_steps", 50),
    ),
    "fabric": Framework(
        "Lightning Fabric",
        "from lightning.pytorch.loggers import WandbLogger\n"
        '  fabric = Fabric(loggers=[WandbLogger(project="{project}")], ...)',
        LIGHTNING_LOGGER, "fabric.log_dict(",
    ),
    "trl": Framework(
        "TRL", 'args = SFTConfig(report_to="wandb", ...)',
        BY_VARIABLES,
        "trainer.log(", step="train/global_step", interval=("logging_steps", 500),
    ),
    "transformers": Framework(
        "Transformers", 'args = TrainingArguments(report_to="wandb", ...)',
        BY_VARIABLES,
        "trainer.log(", step="train/global_step", interval=("logging_steps", 500),
    ),
    "accelerate": Framework(
        "Accelerate",
        'accelerator = Accelerator(log_with="wandb")\n  accelerator.init_trackers("{project}", config=config)',
        ('accelerator.init_trackers("{project}", init_kwargs={"wandb": dict(', ")})"), "accelerator.log(",
    ),
    "deepspeed": Framework(
        "DeepSpeed", '"wandb": {"enabled": true, "project": "{project}"}  # in the configuration of DeepSpeed',
        BY_VARIABLES, "engine.monitor.wandb_monitor.log(",
    ),
    "ignite": Framework(
        "PyTorch-Ignite",
        "from ignite.handlers.wandb_logger import WandBLogger  # on rank 0 alone\n"
        '  logger = WandBLogger(project="{project}"); logger.attach_output_handler(trainer, ...)',
        ("WandBLogger(", ")"), "logger.log(", makes_one=False,
    ),
    "skorch": Framework(
        "skorch", "from skorch.callbacks import WandbLogger\n  NeuralNet(..., callbacks=[WandbLogger(wandb.init())])",
        makes_one=False,
    ),
    "keras": Framework(
        "Keras", "model.fit(..., callbacks=[wandb.integration.keras.WandbMetricsLogger()])", makes_one=False
    ),
    "fastai": Framework(
        "fastai", "from fastai.callback.wandb import WandbCallback\n  learn.fit(..., cbs=WandbCallback())",
        makes_one=False,
    ),
    "ultralytics": Framework("Ultralytics", "yolo settings wandb=True", BY_VARIABLES),
    "stable_baselines3": Framework(
        "Stable-Baselines3",
        "from wandb.integration.sb3 import WandbCallback\n"
        "  run = wandb.init(sync_tensorboard=True); model.learn(..., callback=WandbCallback())", makes_one=False,
    ),
}  # fmt: skip
_VARIABLES = {"id": "WANDB_RUN_ID", "group": "WANDB_RUN_GROUP"}
"""Variables that are not called as their argument is."""


def logging_framework(evidence: Evidence) -> str | None:
    """The framework that logs to W&B for the script: as its text says, or as the run shows."""
    look = evidence.setup.script if evidence.setup else None
    return next((n for n in look.frameworks if logs_to_wandb(evidence, n)), None) if look else None


def logs_to_wandb(evidence: Evidence, name: str) -> bool:
    """Whether this framework was told of W&B: its text says so, or the run has the series in which it counts steps."""
    look = evidence.setup.script if evidence.setup else None
    if look is None or name not in FRAMEWORKS:
        return False
    step = FRAMEWORKS[name].step
    return name in look.attached or bool(step and series(evidence, step))


def framework_values(evidence: Evidence) -> dict[str, str]:
    """What advice says to users of the framework that logs for the script."""
    name = logging_framework(evidence)
    if name is None:
        return {}
    known = FRAMEWORKS[name]
    once = (
        f"{known.name} makes the run by itself, on rank 0 alone: give it what your own call of the SDK has, and take "
        "that call out" if known.makes_one else f"The logger of {known.name} makes a run on every rank that makes the "
        "logger: make it on rank 0 alone"
    )  # fmt: skip
    return {"framework": known.name, "attach": known.attach, "one_run": once, "log": known.log}


def in_words_of(name: str | None, text: str, project: str) -> str:
    """Put the commands of an advice as the framework's users write them; its sentences stay."""
    first, *code = text.split("\n")
    lines = [first, *(_translated(line, FRAMEWORKS[name]) if name else line for line in code)]
    return "\n".join(lines).replace("{project}", project)


def _translated(line: str, known: Framework) -> str:
    line = re.sub(r"\b(?:run|wandb)\.log\((?=[{.])", lambda _: known.log, line)
    while known.init[0] and (found := re.search(r"(?:\b\w+ = )?\bwandb\.init\(", line)):
        end = _closing(line, found.end())
        given = line[found.end() : end]
        arguments = _as_variables(given) if known.init is BY_VARIABLES else given
        line = f"{line[: found.start()]}{known.init[0]}{arguments}{known.init[1]}{line[end + 1 :]}"
        if known.makes_one:  # whatever rank calls it
            line = re.sub(_GUARD, "", line)
    return line


_GUARD = r"if [^:]*(?:rank|RANK)[^:]*== 0: "


def _closing(line: str, start: int) -> int:
    """Where the bracket that was opened before `start` is closed; the end of the line, if nowhere."""
    depth = 1
    for at in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[at], 0)
        if depth == 0:
            return at
    return len(line)


def _as_variables(arguments: str) -> str:
    """`id=x, settings=wandb.Settings(finish_timeout=300)` as WANDB_RUN_ID=x, WANDB_FINISH_TIMEOUT="300"."""
    flat = re.sub(r"settings=wandb\.Settings\(((?:[^()]|\([^()]*\))*)\)", r"\1", arguments)
    named = re.sub(r"\b([a-z_]+)=(?!=)", lambda m: f"{_VARIABLES.get(m[1], f'WANDB_{m[1].upper()}')}=", flat)
    return re.sub(r"=(\d+|True|False)\b", r'="\1"', named)
