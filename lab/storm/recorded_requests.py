"""What the SDK sends, as seeds of the fuzz: `python -m lab.storm.recorded_requests` plays real runs and writes it."""

from __future__ import annotations

import functools
import itertools
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from harness.loopback.context import Links
from harness.loopback.messages import Request, Response
from harness.loopback.server import LoopbackServer
from harness.loopback.sweeps import store as sweeps
from tests.compat.conftest import HERE
from tests.faults.run import clean_environment
from tests.repository import REPOSITORY

RECORDED = Path(__file__).parent / "data" / "requests.json"
KEY = "b1" * 20
LINKS = Links(b"so that recorded links stay valid")
FIRST_RUN = "the run of the first script"
PLAYED = (
    ("job_probe.py", "log"),
    ("job_probe.py", "shared"),
    ("job_probe.py", "resume", "shared", "must"),
    ("artifact_probe.py", "artifacts"),
    ("artifact_probe.py", "sweep"),
    ("artifact_probe.py", "branches"),
    ("artifact_probe.py", "queue"),
    ("reader_probe.py", FIRST_RUN),
)
LARGEST_FILE = 3000
MOST_LINES = 4


@dataclass(frozen=True)
class Recorded:
    """One request; `body` is JSON for what the fuzz damages, and else the text of a small file."""

    method: str
    path: str
    query: dict[str, str]
    body: Any

    @property
    def changes(self) -> bool:
        """Whether it changes anything on the server."""
        return self.path != "/graphql" or "mutation" in self.body["query"]

    @property
    def likeness(self) -> str:
        """What two requests share that would be damaged in the same ways; what makes artifacts and runs is unlike."""
        if not isinstance(self.body, dict):
            return self.path
        variables = self.body.get("variables") or {}
        document = self.body.get("query", "")
        makes = variables if any(word in document for word in ("UpsertBucket", "mutation", "Heartbeat")) else ()
        given = sorted(name for name, value in variables.items() if value is not None)
        place = self.path if "files" in self.body else ""
        return json.dumps([place, document, given, sorted(self.body.get("files") or ()), makes])


@functools.cache
def recorded() -> tuple[Recorded, ...]:
    """The requests of real runs, in their order."""
    return tuple(Recorded(**entry) for entry in json.loads(RECORDED.read_text(encoding="utf-8")))


@contextmanager
def counted_names() -> Iterator[None]:
    """Meanwhile sweeps and agents are named by number, so that a recorded name is found again."""
    with mock.patch.object(sweeps, "_name", side_effect=(f"name{number:04}" for number in itertools.count())):
        yield


def play() -> list[Recorded]:
    """Play what the SDK does against a server that listens."""
    found: dict[str, Recorded] = {}
    with counted_names(), LoopbackServer(api_key=KEY) as server, tempfile.TemporaryDirectory() as folder:
        application = server.application
        application.links, respond = LINKS, application.respond

        def noted(request: Request) -> Response:
            if (kept := shortened(request, folder)) is not None:
                found.setdefault(kept.likeness, kept)
            return respond(request)

        application.respond = noted  # type: ignore[method-assign]
        own = {"HOME": folder, "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
        for script, *arguments in PLAYED:
            asked = [server.store.runs()[0].name if argument is FIRST_RUN else argument for argument in arguments]
            command = [sys.executable, str(HERE / script), *asked]
            env = {**clean_environment(), **server.environment(), **own}
            subprocess.run(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, check=True)
    return list(found.values())


def shortened(request: Request, folder: str) -> Recorded | None:
    """A request without what only makes it long, or tells of this machine; None for files of runs."""
    plain = (request.method, request.path, dict(request.query))
    if request.upload is not None:
        text = request.upload.read()
        small = request.path.startswith("/artifacts/") and len(text) <= LARGEST_FILE
        return Recorded(*plain, text.decode()) if small else None
    if request.method != "POST":
        return None
    text = json.dumps(request.json)
    for own, other in ((folder, "/job"), (str(REPOSITORY), "/job"), (platform.platform(), "Linux")):
        text = text.replace(own, other)
    text = text.replace(f'"{platform.node()}"', '"node"').replace(f'\\"{platform.node()}\\"', '\\"node\\"')
    body = json.loads(text)
    for chunk in body.get("files", {}).values():
        chunk["content"] = chunk["content"][:MOST_LINES]
    return Recorded(*plain, body)


def main() -> int:
    """Write the requests anew."""
    lines = [json.dumps(asdict(request)) for request in play()]
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    sys.stdout.write(f"{len(lines)} requests in {RECORDED}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
