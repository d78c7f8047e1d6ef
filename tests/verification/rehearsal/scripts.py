"""Scripts of users: one that is right, and one for each way to be wrong; without torch, so that they start fast."""

RIGHT = """
import json, os, signal, sys, time
from pathlib import Path
import wandb

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
settings = wandb.Settings(init_timeout=4, finish_timeout=4, x_file_stream_transmit_interval=1)
named = dict(project="vit", id="job-" + os.environ.get("SLURM_JOB_ID", "0"), resume="allow", config={"lr": 0.1})
try:
    run = wandb.init(**named, settings=settings)
except wandb.errors.CommError:
    wandb.teardown()
    run = wandb.init(**named, mode="offline", settings=settings)
checkpoint = Path("checkpoint.json")
first = json.loads(checkpoint.read_text()) + 1 if checkpoint.exists() else 0
with run:
    for epoch in range(first, 6):
        run.log({"loss": 1 / (epoch + 1)}, step=epoch)
        checkpoint.write_text(json.dumps(epoch))
        time.sleep(1)
"""

FALLBACK = """try:
    run = wandb.init(**named, settings=settings)
except wandb.errors.CommError:
    wandb.teardown()
    run = wandb.init(**named, mode="offline", settings=settings)
"""


def wrong(*changes: tuple[str, str]) -> str:
    """The right script with something else in place of something."""
    text = RIGHT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


RAISES = wrong((FALLBACK, "run = wandb.init(**named, settings=settings)\n"))
BLOCKS = wrong((FALLBACK, "run = wandb.init(**named)\n"))
WITHOUT_RUN = wrong(('mode="offline"', 'mode="disabled"'))
FINISH_BLOCKS = wrong(("finish_timeout=4, ", ""))
UPLOAD = """        artifact = wandb.Artifact(f"a{epoch}", "model")
        artifact.add_file("checkpoint.json")
        run.log_artifact(artifact).wait()
        time.sleep(1)"""
WAITS = wrong(("        time.sleep(1)", UPLOAD))
NO_ID = wrong(('id="job-" + os.environ.get("SLURM_JOB_ID", "0"), resume="allow", ', ""))
RANDOM_ID = wrong(('"job-" + os.environ.get("SLURM_JOB_ID", "0")', "str(time.time_ns())"))
NO_CHECKPOINT = wrong((", step=epoch)", ")"), ("if checkpoint.exists()", "if False"))
STEP_AGAIN = wrong(("if checkpoint.exists()", "if False"))
CONFIG = wrong(("with run:\n", "run.config.update({'started': time.time()})\nwith run:\n"))
DEAF = wrong(
    ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n", ""), (", x_file_stream_transmit_interval=1", "")
)
