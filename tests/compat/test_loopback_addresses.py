"""The newest SDK against a loopback backend behind a prefix and behind TLS, trusted and not."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from harness.loopback.server import LoopbackServer

HERE = Path(__file__).parent
pytestmark = pytest.mark.slow


def job(server: LoopbackServer, home: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    base = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "SSL")) and "proxy" not in k.lower()}
    env = base | {"HOME": str(home), "WANDB_ERROR_REPORTING": "false"} | server.environment() | extra
    command = [sys.executable, str(HERE / "job_probe.py"), "simple"]
    return subprocess.run(
        command, cwd=home, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=150, check=False
    )


def test_behind_a_prefix(tmp_path: Path) -> None:
    with LoopbackServer(prefix="/wandb") as server:
        done = job(server, tmp_path)
        assert done.returncode == 0, done.stderr
        [run] = server.store.runs()
        assert (run.state, len(run.history)) == ("finished", 1)
        assert "wandb-metadata.json" in run.files
        assert all(record.path.startswith("/wandb/") for record in server.requests)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    options = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -keyout key.pem -out cert.pem"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", *options.split(), *names], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "cert.pem"


def test_tls(certificate: Path, tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with LoopbackServer(tls=tls) as server:
        unknown = job(server, tmp_path)
        assert unknown.returncode == 1
        assert "certificate signed by unknown authority" in unknown.stderr
        assert server.store.runs() == []
        trusted = job(server, tmp_path, SSL_CERT_FILE=str(certificate))
        assert trusted.returncode == 0, trusted.stderr
        assert server.store.runs()[0].state == "finished"
