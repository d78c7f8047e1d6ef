"""The text of the job script as evidence: what a cure edits, without the keys in it."""

import os
from pathlib import Path

from harness.evidence.models.setup import ScriptSource
from harness.evidence.redaction.redactor import Redactor

_MOST = 200_000


def script_source(script: Path, folder: Path, redactor: Redactor) -> ScriptSource | None:
    """The script with its path from the folder; None where an edit of what was read would not fit the file."""
    try:
        with script.open(encoding="utf-8", newline="") as file:
            text = file.read(_MOST + 1)
    except (OSError, UnicodeDecodeError):
        return None
    if len(text) > _MOST or "\r" in text:
        return None
    # Line by line, as numbers of lines count for a cure: what is redacted must not join two of them.
    known = "\n".join(redactor.text(line) for line in text.split("\n"))
    path = os.path.relpath(script, folder)
    below = not path.startswith("..")
    return ScriptSource(path=path if below else str(script), text=known, patchable=below)
