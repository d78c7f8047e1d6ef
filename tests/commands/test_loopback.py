"""`python -m harness loopback` as a user runs it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.commands.loopback import main
from harness.loopback.server import LoopbackServer
from tests.in_ci import real_part
from tests.loopback.conftest import Client

COMMAND = [sys.executable, "-c", "import sys; from harness.commands.loopback import main; sys.exit(main(sys.argv[1:]))"]


def start(*options: str) -> tuple[subprocess.Popen[str], str, str]:
    process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = process.stdout.readline() + process.stdout.readline()
    found = dict(re.findall(r"^export (\w+)=(\S+)$", lines, re.MULTILINE))
    return process, found["WANDB_BASE_URL"], found["WANDB_API_KEY"]


@real_part
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_two_lines_serves_and_ends_quietly(number: signal.Signals) -> None:
    process, url, key = start("--fault", "operation=Viewer,status=403,times=1")
    probe = LoopbackServer()  # never started: only its port is borrowed by the client below
    probe.stop()
    client = Client(probe, key=key)
    probe._http.server_port = int(url.rsplit(":", 1)[1])
    assert client.graphql("query Viewer { viewer { id } }").status == 403
    assert client.graphql("query Viewer { viewer { id } }").json["data"]["viewer"]["id"]
    client.graphql("query Strange { strange }")
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (0, "")
    assert err.startswith("unknown operation Strange: Cannot query field 'strange'")
    assert key not in err


@real_part
def test_a_given_key_and_port_are_used() -> None:
    with LoopbackServer() as free:
        port = free.port
    process, url, key = start("--port", str(port), "--api-key", "k" * 40)
    process.terminate()
    process.communicate(timeout=10)
    assert (url, key) == (f"http://127.0.0.1:{port}", "k" * 40)


@pytest.mark.parametrize(
    "options",
    [
        ["--port", "x"],
        ["--port", "65536"],
        ["--port", "-1"],
        ["--api-key", "short"],
        ["--fault", "nonsense=1"],
        ["--fault", "status=99"],
        ["--nonsense"],
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_4(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 4
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "short" not in err


def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LoopbackServer() as other:
        assert main(["--port", str(other.port)]) == 4
    assert f"port {other.port}" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["--store", str(tmp_path / "file")]) == 4
    assert "file" in capsys.readouterr().err
    (tmp_path / "journal.jsonl").write_text("nonsense\n")
    assert main(["--store", str(tmp_path)]) == 4
    assert len(capsys.readouterr().err.splitlines()) == 1
