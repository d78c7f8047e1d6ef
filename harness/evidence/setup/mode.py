"""Finds every place that sets the W&B mode, in the order in which `wandb.init()` obeys them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.evidence.models.setup import Mode, ModeSource
from harness.evidence.redaction.redactor import clean
from harness.evidence.setup.job_settings import JobSettings
from harness.evidence.setup.script.mode import script_mode, script_mode_words
from harness.evidence.setup.script.names import script_mentions_key

__all__ = ["collect_mode", "script_mentions_key"]

_LONGEST_VALUE = 100


def collect_mode(settings: JobSettings, script: Path | None) -> Mode:
    """The sources that set a mode, the deciding one first; none at all means online.

    Arguments in the script beat WANDB_MODE, which beats `./wandb/settings`, which beats the user's settings file
    (measured with SDK 0.19.5 to 0.31.0). Which of the last three decides is the SDK's word, where it was asked: a
    source that it does not obey is none.
    """
    said = script_mode(script)
    sources = _obeyed(tuple(_outside(settings)), settings.sdk.mode)
    if said.literal is not None:
        of_script = ModeSource(source="script", value=clean(said.literal, _LONGEST_VALUE), path=str(script))
        sources = (of_script, *sources)
    troubles = (settings.ignored, *(file.trouble for file in settings.files))
    return Mode(
        sources=sources, script_decides=said.mentioned, script_words=script_mode_words(script),
        file_troubles=tuple(t for t in troubles if t is not None),
    )  # fmt: skip


def _obeyed(read: tuple[ModeSource, ...], mode: str | None) -> tuple[ModeSource, ...]:
    """The sources from the one on that gives the mode which the SDK has; one of its own where none does."""
    if mode is None:
        return read
    decides = next((at for at, source in enumerate(read) if source.value == mode), None)
    if decides is not None:
        return read[decides:]
    return () if mode == "online" else (ModeSource(source="interpreter", value=clean(mode, _LONGEST_VALUE)),)


def _outside(settings: JobSettings) -> Iterator[ModeSource]:
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
