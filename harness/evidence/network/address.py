"""The server's address as the SDK takes it: which one it uses by default, which ones it refuses and changes."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from pydantic_core import SchemaValidator, ValidationError, core_schema

from harness.evidence.redaction.redactor import clean

CLASSIC_BASE_URL = "https://api.wandb.ai"
FORGE_BASE_URL = "https://api.forge.coreweave.com"
FORGE_HOSTS = {"forge.coreweave.com": "api.wandb.ai", "qa.forge.coreweave.com": "api.qa.wandb.ai"}
"""SDK 0.31: wandb/sdk/lib/urls.py; the default server's address changed there, the server behind it did not."""

_URL = SchemaValidator(core_schema.url_schema(allowed_schemes=["http", "https"], strict=True))
_WANDB_AI = re.compile(r".*wandb\.ai[^\.]*$")


def split_url(url: str) -> SplitResult:
    """The parts of the address; empty parts where it cannot be split."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # read here, because a bad port raises only when it is read
    except ValueError:
        return urlsplit("")
    return parts


def version_tuple(version: str | None) -> tuple[int, ...]:
    """`0.31.0rc1` as (0, 31, 0); the newest known SDK where the version is not known."""
    numbers = re.match(r"\d+(?:\.\d+)*", version or "")
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else (0, 31, 0)


def default_base_url(sdk_version: str | None = None) -> str:
    """The server that the SDK uses when nothing names one; without a version, the address that every SDK knows."""
    known_new = sdk_version is not None and version_tuple(sdk_version) >= (0, 31)
    return FORGE_BASE_URL if known_new else CLASSIC_BASE_URL


def normal_url(url: str, sdk_version: str | None) -> str:
    """The address without its last slashes; from SDK 0.31 on, a Forge proxy address becomes the direct one."""
    parts = split_url(url)
    if version_tuple(sdk_version) >= (0, 31) and parts.hostname in FORGE_HOSTS and parts.port is None:
        return f"https://api.{parts.hostname}"
    return url.rstrip("/")


def base_url_problem(url: str, sdk_version: str | None = None) -> str | None:
    """Why the SDK refuses the address, in its own words, or None.

    Source: `Settings.validate_base_url`, wandb/sdk/wandb_settings.py, 0.19 to 0.31.
    """
    try:
        _URL.validate_python(url)
    except ValidationError as refused:
        return clean(refused.errors(include_url=False, include_input=False)[0]["msg"], 200)
    suggestion = default_base_url(sdk_version)
    shown = clean(url, 200)
    if _WANDB_AI.match(url) and "api." not in url:
        return f"{shown} is not a valid server address, did you mean {suggestion}?"
    if _WANDB_AI.match(url) and not url.startswith("https"):
        return f"http is not secure, please use {suggestion}"
    return None
