"""Evidence that was saved earlier, to be judged again."""

from pathlib import Path

from harness.evidence.models import Evidence
from harness.settings import SettingsError


def load(path: Path) -> Evidence:
    """Read saved evidence.

    Raises:
        SettingsError: the file is no evidence of a schema version that is known.
    """
    try:
        return Evidence.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"--replay: {path} cannot be read ({error.strerror}).") from None
    except ValueError as error:
        why = str(error).splitlines()[0]
        hint = "give an evidence.json"
        raise SettingsError(f"--replay: {path} holds no evidence of this version ({why}); {hint}.") from None
