"""Reads the SDK's own logs of a run directory: warnings, errors, and requests that failed, counted."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from harness.evidence.disk.sdk_log_lines import Record, read_records
from harness.evidence.disk.sdk_settings_log import SettingsSeen
from harness.evidence.models.base import Trouble
from harness.evidence.models.local import HttpTrouble, LogLine, SdkLogs
from harness.evidence.network.trouble_kinds import http_status, trouble_kind
from harness.evidence.output.bounded import Kept
from harness.evidence.redaction.redactor import cut

__all__ = ["read_sdk_logs", "trouble_kind"]

_FILES = ("debug-internal.log", "debug-core.log", "debug.log")
_MOST_HTTP = 50
_LONGEST_BODY = 500
_DIGITS = re.compile(r"\d+")
_URL = re.compile(r"https?://[^\s\"'<>]+")
_PATH = re.compile(r"(?:with url: |path=)(/?\S+)")
_FATAL = re.compile(r"filestream: fatal error|dropped chunk")
# An error of these is written at INFO by wandb-core and by the Python SDK.
_REQUEST = re.compile(
    r"api: retrying|^retrying (?:error|HTTP)|HTTP error$|response executing GraphQL|Retry attempt failed"
    r"|Filestream rate limit exceeded|rate limit exceeded|filestream: fatal error|dropped chunk|failed to init run"
    r"|upsertRun|CreateRunFiles|[Nn]etwork error|requests with retry"
)
# Not at a level of trouble, yet they explain one.
_TELLING = re.compile(
    r"parent process exited|forced shutdown|too long|exceed|panic|signal|operation stats.*error_status|goroutine"
    r"|monitor.*(?:fail|error|not found|no gpu)|gpu.*(?:fail|error|not found)|rocm|xpu.*not found|disk full|no space"
)
_LEVELS = ("WARN", "ERROR", "CRITICAL", "FATAL")
_INIT_DONE = "run started, returning control to user process"
"""The last words of a `wandb.init()` that succeeded, online or offline, from 0.12 to 0.31 (wandb_init.py)."""
_CLOSED = "sender: closed"
"""Among the last words of wandb-core about a run that was finished; one whose process is killed never gets there."""
_AFTERMATH = re.compile(r"use of closed network connection|^NoneType: None$")


class _Http:
    """Failed requests, one entry for each status (or kind of failure) and path."""

    def __init__(self) -> None:
        self._found: dict[tuple[int | str, str], HttpTrouble] = {}

    def take(self, record: Record) -> bool:
        """Count a record that tells of a failed request."""
        if not _REQUEST.search(record.text):
            return False
        words = record.shown()
        detail = str(record.fields.get("error") or record.fields.get("body") or "")
        if not record.fields:
            detail = record.more[-1] if record.more and ": " in record.more[-1] else record.text
        status = record.fields.get("status")
        if not isinstance(status, int):
            status = http_status(words) or (429 if "rate limit exceeded" in words else None)
        kind = trouble_kind(detail or words)
        if status is None and kind == "other":
            return False
        path = _path(record, words)
        if path == "file_stream":  # the whole path, where another record of the same trouble told it
            path = next((p for s, p in self._found if s == status and p.endswith(path)), path)
        text = detail or (record.text if "fatal error" in record.text else "")
        attempt = not re.search(r"fatal error|failed to init run|upsertRun|CreateRunFiles", record.text)
        fatal = bool(_FATAL.search(record.text)) and "context canceled" not in words
        self._count((status if status is not None else kind, path), status, text, attempt=attempt, fatal=fatal)
        return True

    def _count(self, key: tuple[int | str, str], status: int | None, text: str, *, attempt: bool, fatal: bool) -> None:
        text = cut(text, _LONGEST_BODY)
        known = self._found.get(key)
        if known:
            change = {
                "count": known.count + attempt,
                "fatal": known.fatal or fatal,
                "text": known.text or text,
            }
            self._found[key] = known.model_copy(update=change)
        elif len(self._found) < _MOST_HTTP:
            self._found[key] = HttpTrouble(status=status, path=key[1], text=text, fatal=fatal)

    def found(self, scrub: Callable[[str], str]) -> tuple[HttpTrouble, ...]:
        return tuple(t.model_copy(update={"text": scrub(t.text), "path": scrub(t.path)}) for t in self._found.values())


class _Reader:
    """Goes through the logs of one run directory."""

    def __init__(self, scrub: Callable[[str], str]) -> None:
        self._scrub = scrub
        self.http = _Http()
        self.settings = SettingsSeen()
        self.lines: Kept[LogLine] = Kept(first=120, last=80, alike=4)
        self.core_version: str | None = None
        self.init_done = self.closed = False
        self.pid: int | None = None
        self.troubles: list[Trouble] = []

    def read(self, path: Path) -> None:
        """Read one log; a log that is not there is no trouble."""
        try:
            for record in read_records(path):
                self._take(path.name, record)
        except FileNotFoundError:
            return
        except OSError as error:
            self.troubles.append(Trouble.of_file(error, path))

    def _take(self, name: str, record: Record) -> None:
        if name == "debug.log":
            self.settings.take(record)
            self.init_done |= record.text.startswith(_INIT_DONE)
            self.pid = self.pid or record.pid
        elif isinstance(version := record.fields.get("core version"), str):
            self.core_version = version
        self.closed |= record.text.startswith(_CLOSED)
        counted = self.http.take(record)
        shown = record.shown()
        trouble = record.level.startswith(_LEVELS) or not record.level
        if (trouble or (not counted and _TELLING.search(shown))) and not _AFTERMATH.search(shown):
            line = LogLine(file=name, text=self._scrub(shown), at=record.at)
            self.lines.add(line, (name, record.level, _DIGITS.sub("#", shown)))


def read_sdk_logs(run_dir: Path, scrub: Callable[[str], str]) -> SdkLogs:
    """Read `logs/` of a run directory, of any SDK since 0.12; never raises for what is there or is not.

    Args:
        run_dir: the run directory.
        scrub: takes secrets out of a text.
    """
    reader = _Reader(scrub)
    for name in _FILES:
        reader.read(run_dir / "logs" / name)
    settings = {k: scrub(v) if isinstance(v, str) else v for k, v in reader.settings.found().items()}
    return SdkLogs(
        sdk_version=reader.settings.version or reader.core_version,
        pid=reader.pid,
        lines=tuple(reader.lines.items()),
        http=reader.http.found(scrub),
        init_done=reader.init_done,
        closed=reader.closed,
        settings=settings,
        troubles=tuple(reader.troubles),
    )


def _path(record: Record, words: str) -> str:
    """The URL path of the request that a record tells of; empty where it does not say."""
    url = record.fields.get("url")
    if isinstance(url, str):
        return urlsplit(url).path
    if match := _PATH.search(words):
        return urlsplit(f"/{match[1].lstrip('/')}").path.rstrip(":")
    if match := _URL.search(words):
        return urlsplit(match[0]).path.rstrip(":")
    if re.search(r"GraphQL|failed to init run|upsertRun|CreateRunFiles", words):
        return "/graphql"
    return "file_stream" if re.search(r"[Ff]ilestream|file_stream", words) else ""
