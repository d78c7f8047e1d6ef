"""The environment and the command of a job: the user's own, plus the token, plus the embedded server's address."""

import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.settings.model import EPOCHS, Settings
from harness.targets.base import marked

PROJECT = "LUMI-visualtransformer"
"""The guide's project, as its script has it."""
OWN = ("PYTEST_", "HARNESS_", "COV_", "COVERAGE_")


@dataclass(frozen=True)
class Server:
    """The embedded server's address and key."""

    url: str
    api_key: str


def user_environment(environ: Mapping[str, str], server: Server | None) -> dict[str, str]:
    """Return the user's environment without pytest's and the harness's own variables."""
    kept = {k: v for k, v in environ.items() if not k.startswith(OWN)}
    if server:
        kept |= {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": server.api_key}
    return kept


def job_environment(settings: Settings, environment: Mapping[str, str], token: str) -> dict[str, str]:
    """Return what the job starts with; the user's settings stay as they are, so that what is wrong is found."""
    offline = {"WANDB_MODE": "offline"} if settings.offline else {}
    return marked({**environment, **offline}, token)


def builtin_job(*, rehearsed: bool = False) -> Path:
    """The built-in training script; for a rehearsal the one that goes on after a restart."""
    name = "ddp_requeue.py" if rehearsed else "ddp_vit.py"
    return Path(str(importlib.resources.files("harness.jobs") / name))


def builtin_args(*, on_gpus: bool, seconds: int | None = None, rehearsed: bool = False) -> tuple[str, ...]:
    """Options of the built-in job: short, but long enough for several system samples.

    For a rehearsal its epochs are spread over time, and it waits for W&B a few seconds only.
    """
    lasts = seconds or (45 if on_gpus else 5)
    if rehearsed:
        epoch_s = lasts // EPOCHS if on_gpus else 1.5
        return (
            "--epochs", str(EPOCHS), "--epoch-seconds", str(epoch_s), "--stats-interval", "1", "--upload-interval", "1",
            "--patience", "60" if on_gpus else "5",
        )  # fmt: skip
    return (
        "--epochs", str(EPOCHS), "--model", "auto", "--min-seconds", str(lasts),
        "--stats-interval", "5" if lasts >= 30 else "1", "--upload-interval", "1",
    )  # fmt: skip
