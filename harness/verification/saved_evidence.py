"""Evidence that was saved earlier, by itself or in a bundle, to be judged again."""

import lzma
import zipfile
import zlib
from pathlib import Path

from harness.evidence.models import Evidence
from harness.evidence.redaction.documents import redacted
from harness.evidence.redaction.redactor import Redactor
from harness.settings.model import SettingsError

DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
"""What reading a bundle raises that a transfer damaged."""
MOST_BYTES = 1 << 28
"""A bundle may come from anybody: no more than this is unpacked."""


def load(path: Path) -> Evidence:
    """Read saved evidence: an `evidence.json`, or a bundle that holds one.

    Raises:
        SettingsError: the file is no evidence of a schema version that is known.
    """
    try:
        text = _unpacked(path) if zipfile.is_zipfile(path) else path.read_bytes()
        return redacted(Evidence.model_validate_json(text), Redactor())
    except OSError as error:
        raise SettingsError(f"--replay: {path} cannot be read ({error.strerror or error}).") from None
    except (ValueError, KeyError, *DAMAGED, NotImplementedError, RuntimeError) as error:
        why = next(iter(str(error).splitlines()), "it is cut off")
        hint = "give an evidence.json, or a bundle"
        raise SettingsError(f"--replay: {path} holds no evidence of this version ({why}); {hint}.") from None


def _unpacked(bundle: Path) -> bytes:
    with zipfile.ZipFile(bundle) as packed, packed.open("evidence.json") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES >> 20} MiB")
    return raw
