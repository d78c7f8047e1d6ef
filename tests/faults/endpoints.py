"""Ways to the server that a scenario may need: TLS by an unknown authority, a proxy with a password, an outage."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from harness.loopback.faults import Fault
from harness.loopback.runs import StoredRun
from harness.loopback.server import LoopbackServer
from tests.evidence.wire import connect_proxy, make_certificate, server_context
from tests.faults.scenario import Hook, Stage


def behind_tls(*, trusted: bool = False, ca_file: str | None = None) -> Hook:
    """Serve the backend over TLS with a certificate that signs itself; `ca_file` is what SSL_CERT_FILE names."""

    @contextlib.contextmanager
    def hook(stage: Stage) -> Iterator[None]:
        certificate, key = make_certificate(stage.root)
        with LoopbackServer(accounts=stage.server.accounts, tls=server_context(certificate, key)) as server:
            stage.env["WANDB_BASE_URL"] = server.url
            named = str(certificate) if trusted else ca_file
            if named:
                stage.env["SSL_CERT_FILE"] = named
            yield

    return hook


@contextlib.contextmanager
def locked_proxy(stage: Stage) -> Iterator[None]:
    """A proxy that answers 407 to everyone; W&B's requests go through it."""
    with connect_proxy([], wants=b"Proxy-Authorization: Basic bmV2ZXI=") as port:
        # Neither Go nor requests would use a proxy for a loopback address.
        stage.env |= {"WANDB_BASE_URL": "http://wandb.example.invalid", "HTTP_PROXY": f"http://127.0.0.1:{port}"}
        yield


@contextlib.contextmanager
def after_rows(stage: Stage, rows: int, do: Callable[[StoredRun], None]) -> Iterator[None]:
    """Do something to the server as soon as a run on it has so many rows."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            run = next((r for r in stage.server.store.runs() if len(r.history) >= rows), None)
            if run is not None:
                do(run)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join(timeout=5)


def outage(*, status: int | None = None, back_after_s: float | None = None) -> Hook:
    """Break the file stream once a row has arrived: connections are cut, or answered with `status`."""
    fault = Fault(path="/file_stream", status=status) if status else Fault(path="/file_stream", reset="before")

    @contextlib.contextmanager
    def hook(stage: Stage) -> Iterator[None]:
        def strike(_: StoredRun) -> None:
            stage.server.faults.add(fault)
            if back_after_s is not None:
                threading.Timer(back_after_s, stage.server.faults.clear).start()

        with after_rows(stage, 1, strike):
            yield

    return hook


@contextlib.contextmanager
def deleted_while_running(stage: Stage) -> Iterator[None]:
    """Someone deletes the run in the browser while it logs."""
    with after_rows(stage, 1, stage.server.store.delete_run):
        yield
