"""The folder of a verification's files; every file is replaced as a whole, so none is ever half-written."""

import secrets
import tempfile
import time
from pathlib import Path

from harness.settings.model import SettingsError

USUAL = ".harness"
"""The folder of report folders, below the current one."""
REPORTS = ("report.html", "summary.md", "verdict.json", "evidence.json", "cure.patch")


def report_folder(asked: Path | None, cwd: Path) -> Path:
    """Make the report folder: the one asked for, else a dated one under `.harness/`.

    Raises:
        SettingsError: it cannot be made or written.
    """
    dated = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    folder = asked or cwd / USUAL / dated
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        hint = "name another folder with --report" if asked else "name a folder with --report"
        raise SettingsError(f"--report: {folder} cannot be written ({error.strerror}); {hint}.") from None
    return folder


def remove_earlier(folder: Path, keep: Path | None) -> None:
    """Remove the reports of an earlier verification, lest one that is killed seems to have written them.

    Raises:
        SettingsError: they cannot be removed.
    """
    try:
        for name in REPORTS:
            for path in (folder / name, *folder.glob(f".{name}.*")):
                if keep is None or not path.exists() or not path.samefile(keep):
                    path.unlink(missing_ok=True)
        for path in folder.glob(".job.log.*"):  # half a copy, by one that was killed while it took secrets out
            path.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"--report: {folder} cannot be written ({error.strerror}); name another folder.") from None


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that readers see the old one or the new one, never a part.

    Raises:
        OSError: the folder cannot be written, or the disk is full; the old file is left as it was.
    """
    new = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with new.open("x", encoding="utf-8", errors="replace") as file:  # a path need not be UTF-8
            file.write(text)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
