"""The SDK's own logs, from real ones of 0.12.21 to 0.31.0, trimmed."""

import json
import shutil
from pathlib import Path

import pytest

from harness.evidence.disk.sdk_logs import read_sdk_logs, trouble_kind
from harness.evidence.models import HttpTrouble, SdkLogs
from harness.evidence.network.trouble_kinds import http_status
from harness.evidence.redaction.redactor import redact

LOGS = Path(__file__).parent / "logs"


def read(name: str, tmp_path: Path) -> SdkLogs:
    shutil.copytree(LOGS / name, tmp_path / "run" / "logs")
    return read_sdk_logs(tmp_path / "run", redact)


def write(tmp_path: Path, text: str, name: str = "debug-internal.log") -> SdkLogs:
    (tmp_path / "logs").mkdir(exist_ok=True)
    (tmp_path / "logs" / name).write_text(text)
    return read_sdk_logs(tmp_path, redact)


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("refused-0.31.0", "refused"), ("refused-0.19.5", "refused"), ("refused-0.16.6", "refused"),
        ("dns-0.31.0", "dns"), ("proxy-0.31.0", "proxy"), ("tls-0.31.0", "tls"), ("tls-0.19.5", "tls"),
    ],
)  # fmt: skip
def test_a_request_that_got_no_answer_says_why(case: str, kind: str, tmp_path: Path) -> None:
    (trouble,) = read(case, tmp_path).http
    assert (trouble.status, trouble.path, trouble.fatal) == (None, "/graphql", False)
    assert trouble_kind(trouble.text) == kind


@pytest.mark.parametrize(
    ("case", "status", "words"),
    [
        ("init-401-0.31.0", 401, "user is not logged in"), ("init-401-0.19.5", 401, "user is not logged in"),
        ("init-403-0.31.0", 403, "permission denied"), ("init-404-0.31.0", 404, "entity no-such-team not found"),
        ("init-409-0.31.0", 409, "previously created and deleted"),
        ("init-409-0.19.5", 409, "previously created and deleted"),
        ("init-429-0.31.0", 429, "rate limit exceeded"), ("init-500-0.31.0", 500, "internal server error"),
        ("init-500-0.19.5", 500, "internal server error"), ("init-500-0.16.6", 500, "500 response executing GraphQL"),
        ("init-502-0.31.0", 502, "bad gateway"), ("init-401-0.12.21", 401, "401 response executing GraphQL"),
    ],
)  # fmt: skip
def test_a_refused_init_has_status_and_words(case: str, status: int, words: str, tmp_path: Path) -> None:
    (trouble,) = read(case, tmp_path).http
    assert (trouble.status, trouble.path) == (status, "/graphql")
    assert words in trouble.text


@pytest.mark.parametrize(
    ("case", "status", "fatal"),
    [
        ("stream-403-0.31.0", 403, True), ("stream-403-0.19.5", 403, True), ("stream-403-0.16.6", 403, True),
        ("stream-429-0.31.0", 429, False), ("stream-429-0.19.5", 429, False), ("stream-429-0.16.6", 429, False),
        ("stream-500-0.31.0", 500, False),
    ],
)  # fmt: skip
def test_a_refused_stream_is_one_entry_and_fatal_only_where_it_was_given_up(
    case: str, status: int, fatal: bool, tmp_path: Path
) -> None:
    (trouble,) = read(case, tmp_path).http
    assert (trouble.status, trouble.fatal) == (status, fatal)
    assert trouble.path.endswith("file_stream")
    assert trouble.text


def test_retries_are_counted(tmp_path: Path) -> None:
    line = '{"time":"2026-11-23T18:38:10Z","level":"INFO","msg":"api: retrying HTTP error","status":503,"url":"https://h/w/graphql","body":"busy"}\n'
    assert write(tmp_path, line * 30).http == (HttpTrouble(status=503, path="/w/graphql", text="busy", count=30),)


@pytest.mark.parametrize(
    ("case", "version"),
    [("fine-0.31.0", "0.31.0"), ("fine-0.19.5", "0.19.5"), ("offline-0.16.6", "0.16.6"), ("offline-0.12.21", None)],
)
def test_a_healthy_run_has_its_version_and_no_trouble(case: str, version: str | None, tmp_path: Path) -> None:
    logs = read(case, tmp_path)
    assert logs.sdk_version == version
    assert logs.http == ()
    assert not any("error" in line.text.lower() for line in logs.lines)
    assert logs.troubles == ()


def test_settings_of_old_sdks_come_from_what_each_source_set(tmp_path: Path) -> None:
    settings = read("offline-0.16.6", tmp_path).settings
    assert settings["mode"] == "offline"
    assert settings["base_url"] == "http://127.0.0.1:1"
    assert settings["settings_files"] == ["/users/me/.config/wandb/settings", "/scratch/job/wandb/settings"]
    assert "api_key" not in settings


def test_settings_of_new_sdks_come_from_what_is_told_in_passing(tmp_path: Path) -> None:
    settings = read("fine-0.31.0", tmp_path).settings
    assert settings == {"init_timeout": 8.0, "console": "wrap_raw", "exit_code": 0}


def test_settings_with_a_key_never_show_it(tmp_path: Path) -> None:
    key = "0123456789abcdef0123456789abcdef01234567"
    line = "2021-10-01 10:00:00,000 INFO    MainThread:1 [wandb_setup.py:_flush():76] "
    env = {"mode": "offline", "api_key": key, "_disable_stats": True}
    text = f"{line}setting env: {env}\n{line}setting user settings: {{'entity': '{key}'}}\n"
    logs = write(tmp_path, text, "debug.log")
    assert key not in logs.model_dump_json()
    assert logs.settings["mode"] == "offline"
    assert logs.settings["x_disable_stats"] is True


def test_an_error_of_the_core_is_kept_with_its_file_and_time(tmp_path: Path) -> None:
    lines = read("stream-403-0.31.0", tmp_path).lines
    fatal = next(line for line in lines if "fatal" in line.text)
    assert fatal.file == "debug-internal.log"
    assert fatal.text.startswith("filestream: fatal error: filestream: failed to upload: 403 Forbidden")
    assert fatal.at is not None


def test_what_explains_a_kill_is_kept_though_its_level_is_info(tmp_path: Path) -> None:
    texts = [line.text for line in read("stream-500-0.31.0", tmp_path).lines if line.file == "debug-core.log"]
    assert "server: parent process exited, terminating service process" in texts
    assert "server: forced shutdown" in texts


def test_fields_of_a_record_are_shown(tmp_path: Path) -> None:
    logs = write(tmp_path, '{"level":"WARN","msg":"handler: ignoring partial history record","step":3,"current":5}\n')
    assert logs.lines[0].text == "handler: ignoring partial history record step=3 current=5"


def test_a_go_panic_is_a_record_of_its_own(tmp_path: Path) -> None:
    text = "panic: runtime error: invalid memory address or nil pointer\n\ngoroutine 1 [running]:\nmain.main()\n"
    (line,) = write(tmp_path, text, "debug-core.log").lines
    assert line.text.startswith("panic: runtime error")


def test_floods_are_bounded(tmp_path: Path) -> None:
    records = (
        {"level": "ERROR", "msg": f"trouble {chr(97 + n % 26)}{chr(97 + n // 26 % 26)} {n}"} for n in range(5000)
    )
    logs = write(tmp_path, "".join(json.dumps(r) + "\n" for r in records))
    assert len(logs.lines) <= 200
    assert logs.lines[0].text == "trouble aa 0"


@pytest.mark.parametrize("before", [280, 480, 1980])
def test_a_key_at_which_a_long_text_is_cut_is_not_shown_in_part(tmp_path: Path, before: int) -> None:
    text = "x " * (before // 2) + "0123456789abcdef" * 2 + "01234567 and more" + " x" * 2000
    for record in ({"msg": text}, {"msg": "m", "url": text}, {"msg": "HTTP error", "status": 400, "body": text}):
        assert "01234567" not in write(tmp_path, json.dumps({"level": "ERROR", **record}) + "\n").model_dump_json()


@pytest.mark.parametrize(
    "text",
    ["", "\x00\x00\x00", '{"level":', "{" * 100_000, '["a"]\n', "no log at all\n" * 50, '{"msg": 3, "level": null}\n'],
)
def test_whatever_is_there_is_read(tmp_path: Path, text: str) -> None:
    assert len(write(tmp_path, text).lines) <= 2


def test_a_missing_folder_is_no_trouble_and_an_unreadable_file_is_one(tmp_path: Path) -> None:
    assert read_sdk_logs(tmp_path, redact) == SdkLogs()
    (tmp_path / "logs" / "debug.log").mkdir(parents=True)
    assert [t.where for t in read_sdk_logs(tmp_path, redact).troubles] == [str(tmp_path / "logs" / "debug.log")]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('Post "https://api.wandb.ai/graphql": dial tcp 1.2.3.4:443: i/o timeout', "timeout"),
        ("context deadline exceeded (Client.Timeout exceeded while awaiting headers)", "timeout"),
        ("context deadline exceeded\nwhile retrying: HTTP 500: internal server error", "http"),
        ('exceeded\nwhile retrying: Post "http://h": dial tcp 1.1.1.1:1: connect: connection refused', "refused"),
        ('Post "https://h/graphql": read tcp 1.1.1.1:5->2.2.2.2:443: read: connection reset by peer', "reset"),
        ('Post "https://h/graphql": EOF', "reset"),
        ('Post "https://h/graphql": Proxy Authentication Required', "proxy"),
        ("Tunnel connection failed: 407 Proxy Authentication Required", "proxy"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate", "tls"),
        ("Could not find a suitable TLS CA certificate bundle, invalid path: /x/cacert.pem", "tls"),
        ("<urlopen error [Errno -2] Name or service not known>", "dns"),
        ("HTTPSConnectionPool(host='api.wandb.ai', port=443): (Caused by NameResolutionError(", "dns"),
        ("requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: https://h/graphql", "http"),
        ("ConnectTimeoutError(<urllib3>, 'Connection to api.wandb.ai timed out. (connect timeout=20)')", "timeout"),
        ("[Errno 111] Connection refused", "refused"),
        ("something else", "other"),
    ],
)  # fmt: skip
def test_trouble_is_named(text: str, kind: str) -> None:
    assert trouble_kind(text) == kind


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("returned error 403 Forbidden: {}", 403), ("HTTP 502: <html>", 502), ("<Response [409]>", 409),
        ("500 Server Error: x", 500), ("429 encountered (rate limit)", 429), ("port 443 of 500 hosts", None),
    ],
)  # fmt: skip
def test_status_is_found_in_words(text: str, status: int | None) -> None:
    assert http_status(text) == status


@pytest.mark.parametrize(("words", "closed"), [("sender: closed", True), ("sender: started", False)])
def test_a_run_that_wandb_core_was_done_with_is_closed(words: str, closed: bool, tmp_path: Path) -> None:
    assert write(tmp_path, json.dumps({"level": "INFO", "msg": words}) + "\n").closed is closed
