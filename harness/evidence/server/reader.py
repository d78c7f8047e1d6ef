"""The parent's side of the reader: starts the worker in a clean environment, asks it, and bounds every wait."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from harness.evidence.models import Trouble
from harness.evidence.redaction.redactor import cut

KEEP = (
    "PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SYSTEMROOT",
)  # fmt: skip
"""Variables that the way to the server may need; W&B's own are left behind, for they are the user's job's."""


ANSWER_S = 30.0
"""The longest that one question may take, in seconds."""
START_S = 60.0
"""The longest that the worker may take to start: importing the SDK is slow on a cold shared file system."""


class ReadingFailed(Exception):  # noqa: N818 - it is news about the reader, not an error of the program
    """The server could not be read; holds the `Trouble`."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.text)
        self.trouble = trouble


def temporary_prefix(pid: int) -> str:
    """Return how the names of a process's temporary folders begin; one that was killed leaves them behind."""
    return f"harness-{pid}-"


class Reader:
    """Asks the W&B public API through a worker process; use as a context manager.

    Args:
        base_url: the server.
        api_key: goes into the worker's environment and nowhere else.
        environ: the variables to take proxies and certificates from.
        timeout_s: the longest that one question may take, in seconds.
    """

    def __init__(self, base_url: str, api_key: str, environ: Mapping[str, str], timeout_s: float | None = None) -> None:
        timeout_s = timeout_s or ANSWER_S
        self._folder = tempfile.TemporaryDirectory(prefix=f"{temporary_prefix(os.getpid())}reader-")
        home = self._folder.name
        self._env = {k: environ[k] for k in KEEP if k in environ} | {
            "HOME": home, "TMPDIR": home, "WANDB_DIR": home, "WANDB_CACHE_DIR": home, "WANDB_CONFIG_DIR": home,
            "WANDB_DATA_DIR": home, "WANDB_BASE_URL": base_url, "WANDB_API_KEY": api_key, "WANDB_SILENT": "true",
            "WANDB_ERROR_REPORTING": "false", "WANDB_MODE": "online", "WANDB_HTTP_TIMEOUT": str(int(timeout_s)),
            "HARNESS_READER_TIMEOUT": str(max(1, int(timeout_s))),
            "PYTHONPATH": str(Path(__file__).resolve().parents[3]), "PYTHONIOENCODING": "utf-8",
        }  # fmt: skip
        self.base_url, self.timeout_s = base_url, timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._greeted = False
        self._number = 0
        self._turn = threading.Lock()
        self._closed = False
        self.requests = 0
        self.version = version("wandb")

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        if not self._turn.acquire(blocking=False):  # a question is under way that nobody waits for
            if self._process:
                self._process.kill()
            self._turn.acquire()
        self._stop()
        self._turn.release()
        self._folder.cleanup()

    def _start(self) -> None:
        self._rest, self._greeted = b"", False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.evidence.server.worker"],
            cwd=self._folder.name,
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _stop(self) -> None:
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def ask(self, operation: str, timeout_s: float | None = None, **request: Any) -> Any:
        """Put one question; a worker that does not answer in time is replaced. One thread asks at a time.

        Raises:
            ReadingFailed: no answer, or the API's own trouble.
        """
        with self._turn:
            return self._ask(operation, timeout_s or self.timeout_s, request)

    def _ask(self, operation: str, timeout_s: float, request: dict[str, Any]) -> Any:
        if self._closed:
            raise ReadingFailed(Trouble(kind="other", text="the reader is closed", where=operation))
        process = self._process
        if process is None or process.stdin is None or process.poll() is not None:
            self._stop()
            self._start()
            process = self._process
        assert process is not None  # noqa: S101 - for the type checker
        if not self._greeted:
            self._exchange(process, "hello", max(timeout_s, START_S), {})
            self._greeted = True
        answer = self._exchange(process, operation, timeout_s, request)
        self.requests = answer["requests"]
        if not answer["ok"]:
            raise ReadingFailed(trouble_of(answer["trouble"], operation))
        return answer["result"]

    def _exchange(
        self, process: "subprocess.Popen[bytes]", operation: str, timeout_s: float, request: dict[str, Any]
    ) -> dict[str, Any]:
        assert process.stdin is not None  # noqa: S101 - for the type checker
        self._number += 1
        line = json.dumps({"operation": operation, "number": self._number, **request}) + "\n"
        try:
            process.stdin.write(line.encode())
            process.stdin.flush()
        except BrokenPipeError:
            raise ReadingFailed(Trouble(kind="other", text="the reader's process ended", where=operation)) from None
        return self._answer(operation, timeout_s)

    def _answer(self, operation: str, timeout_s: float) -> dict[str, Any]:
        end = time.monotonic() + timeout_s
        pipe = self._process.stdout if self._process else None
        if pipe is None:
            raise ReadingFailed(Trouble(kind="other", text="the reader is not running", where=operation))
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while True:
                while b"\n" in self._rest:
                    line, _, self._rest = self._rest.partition(b"\n")
                    answer: dict[str, Any] = json.loads(line)
                    if answer["number"] == self._number:
                        return answer
                left = end - time.monotonic()
                if left <= 0 or not selector.select(left):
                    self._stop()
                    text = f"no answer within {timeout_s:.0f} s"
                    raise ReadingFailed(Trouble(kind="timeout", text=text, where=operation))
                chunk = os.read(pipe.fileno(), 1 << 20)
                if not chunk:
                    self._stop()
                    raise ReadingFailed(Trouble(kind="other", text="the reader's process ended", where=operation))
                self._rest += chunk


Readers = Callable[[str, str, Mapping[str, str]], AbstractContextManager[Reader]]
"""Gives a reader of a server, with a key, in an environment: one of its own, or one that is kept for the next."""


class KeptReaders:
    """Keeps its readers open until it is closed: to start one costs more than to read a run; a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._kept: dict[tuple[str, str], Reader] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def reader(self, base_url: str, api_key: str, environ: Mapping[str, str]) -> AbstractContextManager[Reader]:
        """Return the reader of this server with this key; leaving it does not end it."""
        way = (base_url, api_key)
        if way not in self._kept:
            self._kept[way] = self._stack.enter_context(Reader(base_url, api_key, environ))
        return nullcontext(self._kept[way])


def trouble_of(described: Mapping[str, str], where: str) -> Trouble:
    """Type the SDK's exception by its text: its class misleads (0.28.2 calls network trouble authentication)."""
    text = described["text"]
    lowered = text.lower()
    kinds = (
        ("dns", ("no such host", "name or service not known", "name resolution")),
        ("refused", ("connection refused",)),
        ("tls", ("x509", "certificate", "tls:")),
        ("auth", ("user is not logged in", "401", "invalid or missing api", "relogin")),
        ("permission", ("permission denied", "403")),
        ("timeout", ("timed out", "deadline exceeded", "i/o timeout", "did not respond in time", "timeout")),
        ("reset", ("connection reset", "eof", "broken pipe")),
        # In the SDK's words the server said that there is none; HTTP 404 says that nobody answered the question.
        ("not_found", ("could not find",)),
        ("http", ("not found", "404", "409", "conflict", "429", "500", "502", "503", "504", "http")),
        ("protocol", ("json", "unmarshal", "nonetype", "keyerror", "typeerror", "attributeerror")),
    )
    kind = next((name for name, words in kinds if any(w in lowered for w in words)), "other")
    return Trouble(kind=kind, text=cut(text, 800), where=where)
