"""Finds every place that sets the W&B mode, in the order in which `wandb.init()` obeys them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.evidence.models.setup import Mode, ModeSource
from harness.evidence.redaction.redactor import clean
from harness.evidence.setup.script.mode import script_mode, script_mode_words
from harness.evidence.setup.script.names import script_mentions_key
from harness.evidence.setup.sdk_settings import SdkSettings, read_sdk_settings

__all__ = ["collect_mode", "script_mentions_key"]

_LONGEST_VALUE = 100


def collect_mode(env: Mapping[str, str], cwd: Path, script: Path | None) -> Mode:
    """The sources that set a mode, the deciding one first; none at all means online.

    Arguments in the script beat WANDB_MODE, which beats `./wandb/settings`, which beats the user's settings file
    (measured with SDK 0.19.5 to 0.31.0). Where both files are dropped for a bad value, they are no source.
    """
    said = script_mode(script)
    settings = read_sdk_settings(env, cwd)
    sources = list(_outside(settings))
    if said.literal is not None:
        sources.insert(0, ModeSource(source="script", value=clean(said.literal, _LONGEST_VALUE), path=str(script)))
    files = (settings.workspace, settings.system)
    troubles = tuple(t for t in (settings.ignored, *(file.trouble for file in files)) if t is not None)
    return Mode(
        sources=tuple(sources), script_decides=said.mentioned, script_words=script_mode_words(script),
        file_troubles=troubles,
    )  # fmt: skip


def _outside(settings: SdkSettings) -> Iterator[ModeSource]:
    if "WANDB_MODE" in settings.env:
        yield ModeSource(source="environment", value=clean(settings.env["WANDB_MODE"], _LONGEST_VALUE))
    if settings.ignored is not None:
        return
    if "mode" in settings.workspace.values:
        path = str(settings.workspace.path)
        yield ModeSource(source="workspace_settings", value=settings.workspace.values["mode"], path=path)
    if "mode" in settings.system.values:
        path = str(settings.system.path)
        yield ModeSource(source="system_settings", value=settings.system.values["mode"], path=path)
