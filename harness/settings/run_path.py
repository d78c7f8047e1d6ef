"""Reads `--run`: a run's path, or the address of its page, which also tells the server."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

from harness.settings.model import SettingsError

CLOUD = "https://api.wandb.ai"
CLOUD_PAGES = ("wandb.ai", "www.wandb.ai", "app.wandb.ai", "api.wandb.ai")
"""Hosts of run pages; the API of the public cloud has a host of its own."""
FORGE_HOSTS = ("forge.coreweave.com", "qa.forge.coreweave.com")
"""The public cloud's newer address (wandb/sdk/lib/urls.py, 0.31): pages at HOST/wandb/…, the API at api.HOST."""


def run_path(text: str | None) -> tuple[tuple[str, str, str] | None, str | None]:
    """Read ENTITY/PROJECT/RUN_ID or the run's page; a page also tells the server."""
    if not text:
        return None, None
    parts = urlsplit(text) if "://" in text else None
    bare = re.sub(r"[?#].*", "", text)  # a page's address may bring `?nw=…`, with or without its https://
    pieces = [unquote(p) for p in (parts.path if parts else bare).split("/") if p]
    prefix: list[str] = []
    if "runs" in pieces[2:]:
        at = pieces.index("runs", 2)
        prefix, pieces = pieces[: at - 2], [*pieces[at - 2 : at], *pieces[at + 1 : at + 2]]
    if len(pieces) != 3 or any(re.search(r"[\x00-\x1f\"'<>\\]", p) for p in pieces):
        raise SettingsError(f"--run: {text!r} is not a run; give ENTITY/PROJECT/RUN_ID or the run's URL.")
    run = (pieces[0], pieces[1], pieces[2])
    if parts is None:
        return run, None
    return run, _api_of(parts, prefix)


def _api_of(page: SplitResult, prefix: list[str]) -> str:
    """Return the API's address for a run's page; the other way round it is `api_to_app_url` in wandb/util.py."""
    host = page.hostname or ""
    if host in CLOUD_PAGES:
        return CLOUD
    if host in FORGE_HOSTS or host.removeprefix("api.") in FORGE_HOSTS:
        return f"https://api.{host.removeprefix('api.')}"
    # A server of one's own has its pages at the API's address, or at app. where the API is at api.
    netloc = re.sub(r"^app\.", "api.", page.netloc.rpartition("@")[2])
    return "/".join([f"{page.scheme}://{netloc}", *prefix])
