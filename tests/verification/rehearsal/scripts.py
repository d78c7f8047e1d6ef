"""Scripts of users: one that is right, and one for each way to be wrong; without torch, so that they start fast."""

RIGHT = """
import json, os, signal, sys, time
from pathlib import Path
import wandb

for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda *_: sys.exit(143))
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


def changed(text: str, *changes: tuple[str, str]) -> str:
    """A script with something else in place of something."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def wrong(*changes: tuple[str, str]) -> str:
    """The right script, changed."""
    return changed(RIGHT, *changes)


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
STEP_AGAIN = wrong(("for epoch in range(first, 6):", "for count, epoch in enumerate(range(first, 6)):"),
                   ("step=epoch", "step=count"))  # fmt: skip
CONFIG = wrong(("with run:\n", "run.config.update({'started': time.time()})\nwith run:\n"))
HANDLERS = """for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda *_: sys.exit(143))
"""
DEAF = wrong((HANDLERS, ""), (", x_file_stream_transmit_interval=1", ""))

ONE_WRITER = """config={"lr": 0.1})
rank = os.environ["RANK"]
if rank != "0":
    os.environ["WANDB_MODE"] = "disabled"
"""
RANKS = wrong(
    ('config={"lr": 0.1})\n', ONE_WRITER), ("        checkpoint.write", '        if rank == "0": checkpoint.write')
)  # fmt: skip
"""The right one for torchrun: rank 0 alone has a run and saves."""
CALL_RAISES = wrong(("        time.sleep(1)", UPLOAD.replace(".wait()", ".wait(timeout=2)")))
LONG_ROWS = ('run.log({"loss"', 'run.log({"text": "x" * 9000, "loss"')
"""The SDK writes its log in blocks of 32 KiB."""
LEAVES = """        time.sleep(1)
    server = urllib.parse.urlsplit(os.environ["WANDB_BASE_URL"])
    try:
        socket.create_connection((server.hostname, server.port), 2).close()
    except OSError:
        os._exit(0)"""
IMPATIENT = wrong(("import json", "import socket, urllib.parse, json"), ("        time.sleep(1)", LEAVES), LONG_ROWS)
"""Ends the process without finish() when the server does not answer."""
SPOILT = """        time.sleep(1)
    begun = time.monotonic()
if time.monotonic() - begun > 3:
    log = next(Path("wandb").glob("run-*/*.wandb"))
    data = bytearray(log.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 99] = b"?" * 99
    log.write_bytes(data)"""
DAMAGED = wrong(("        time.sleep(1)", SPOILT), LONG_ROWS)
"""Its disk spoils the log of a run that could not be sent."""
FOLDER_AGAIN = wrong(("checkpoint = Path", "os.mkdir('out')\ncheckpoint = Path"))
SELDOM = wrong((", step=epoch)", ")"), ("        checkpoint.write", "        if epoch % 2: checkpoint.write"))
LOGS = '        run.log({"loss": 1 / (epoch + 1)}, step=epoch)\n'
SAVES_FIRST = wrong((LOGS, ""), ("        time.sleep(1)\n", f"        time.sleep(1)\n{LOGS}"))
