"""Finds the settings that bear on diagnosis in debug.log, as far as the SDK's version prints them."""

import ast
import re
from typing import Any

from harness.evidence.disk.sdk_log_lines import Record

WANTED = frozenset({
    "mode", "base_url", "entity", "project", "run_id", "resume", "reinit", "console", "disabled", "silent", "quiet",
    "init_timeout", "root_dir", "run_group", "job_type", "run_job_type", "start_method", "disable_git", "label",
    "x_disable_stats", "x_disable_meta", "x_label", "x_primary", "x_shared", "x_stats_sampling_interval",
    "x_stats_sample_rate_seconds", "x_file_stream_retry_max", "x_disable_service", "login_timeout",
})  # fmt: skip
_LONGEST = 8192
# 0.12 to 0.18 print what each source sets; newer SDKs only name the source.
_DICTS = re.compile(
    r"(?:Loading settings from environment variables|Applying \w+ settings|Inferring (?:run )?settings from compute "
    r"environment|setting (?:env|user settings|login settings)): (\{.*\})$"
)
_FILE = re.compile(r"Loading settings from (/.*|[A-Za-z]:.*)$")
_FACTS = (
    ("init_timeout", float, re.compile(r"communicating run to backend with ([\d.]+) second timeout")),
    ("console", str, re.compile(r"^redirect: (\w+)")),
    ("exit_code", int, re.compile(r"got exitcode: (-?\d+)")),
)
_VERSION = re.compile(r"Current SDK version is (\S+)")


class SettingsSeen:
    """What debug.log told so far; `take` reads one record."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.files: dict[str, None] = {}
        self.version: str | None = None

    def take(self, record: Record) -> None:
        """Read one record."""
        text = record.text
        if match := _VERSION.search(text):
            self.version = match[1]
        elif match := _DICTS.search(text):
            self._dict(match[1])
        elif match := _FILE.match(text):
            self.files[match[1]] = None
        elif "existing wandb-core service via WANDB_SERVICE" in text:
            self.values["existing_service"] = True
        else:
            for name, convert, pattern in _FACTS:
                if found := pattern.search(text):
                    self.values[name] = convert(found[1])

    def found(self) -> dict[str, Any]:
        """Return the settings by name; leading underscores of older SDKs read as `x_`."""
        files = {"settings_files": list(self.files)} if self.files else {}
        return {**self.values, **files}

    def _dict(self, text: str) -> None:
        if len(text) > _LONGEST:
            return
        try:
            values = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return
        for raw, value in values.items() if isinstance(values, dict) else ():
            name = f"x{raw}" if isinstance(raw, str) and raw.startswith("_") else raw
            if name in WANTED and isinstance(value, (str, int, float, bool)):
                self.values[name] = value
