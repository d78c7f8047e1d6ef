"""Keys planted wherever a user, a job or a run may hold one, and the search for them in all that is left behind."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.scenario import Scenario, Stage, init_job

OLD = "c0ffee12" * 5
"""The key of the server itself: 40 hex digits."""
NEW = "wandb_v1_" + "Zq3" * 12
OTHER = "beef1234" * 5
"""Another key, for another server: in netrc and in the settings file."""
PASSWORD = "canary-pass-77"
CANARIES = (OLD, NEW, OTHER, PASSWORD)

LEAKY = init_job(
    f'name="run {NEW}", notes="{OLD} {NEW}", tags=["{OLD}"], group="g-{NEW}"',
    before=f"""
CONFIG.update({{"api": "{OLD}", "{NEW}": 1, "nested": {{"deep": ["{NEW}", "http://bob:{PASSWORD}@host/x"]}}}})
print("my key is {OLD} or {NEW}", flush=True)
print("GET http://bob:{PASSWORD}@host/?api_key={NEW}", flush=True)
print("machine h login user password {PASSWORD}", flush=True)
print("\\x1b[31m{OLD[:20]}\\x1b[0m{OLD[20:]}", flush=True)
""",
    train=f"""
    train(run)
    run.summary["leak"] = "{NEW}"
    run.summary["{OLD}"] = 1
    run.log({{"text": "{OLD}", "m_{OTHER}": 1.0}})
    print("last words {NEW}", flush=True)
    run.finish()
    if os.environ.get("CANARY_RAISES"):
        raise RuntimeError("bad key {NEW} at http://bob:{PASSWORD}@host/ and {OLD}")
""",
)
PLANTED = Scenario(
    name="canaries",
    job=LEAKY,
    server={"api_key": OLD},
    files={
        "~/.netrc": f"machine elsewhere.org\n  login user\n  password {OTHER}\n",
        "wandb/settings": f"[default]\nnotes = {NEW}\n",
    },
    env={"HTTPS_PROXY": f"http://bob:{PASSWORD}@127.0.0.1:9", "HF_TOKEN": NEW, "GITHUB_ACTIONS": "true"},
)


def left(stage: Stage, *, beside: tuple[str, ...] = ()) -> list[str]:
    """Files that hold a canary: all below the stage but what was planted, and what the SDK keeps of the user's run."""
    planted = {stage.home / ".netrc", stage.work / "train.py"}
    found = []
    for path in stage.root.rglob("*"):
        if not path.is_file() or path in planted or (stage.work / "wandb") in path.parents:
            continue
        content = path.read_bytes()
        found += [f"{c[:12]}… in {path.relative_to(stage.root)}" for c in CANARIES if c.encode() in content]
    return found


def told(text: str) -> list[str]:
    """Canaries in a text, with the line."""
    return [f"{c[:12]}… in {line[:200]}" for line in text.splitlines() for c in CANARIES if c in line]


@contextlib.contextmanager
def watched_processes(home: Path) -> Iterator[list[str]]:
    """Command lines that hold a canary, of every process with this home that runs meanwhile."""
    mark = f"HOME={home}\0".encode()
    found: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    if mark not in (path.parent / "environ").read_bytes():
                        continue
                    line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                    found.extend(told(line))
            time.sleep(0.05)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
