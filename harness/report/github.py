"""GitHub Actions: the summary of the step, and workflow commands.

See "Workflow commands for GitHub Actions" in GitHub's documentation.
"""

from collections.abc import Mapping
from pathlib import Path

from harness.evidence.redaction.visible import clean


def append_summary(text: str, environ: Mapping[str, str]) -> None:
    """Append Markdown to the step's summary, where GitHub gives one.

    Raises:
        OSError: the file cannot be written.
    """
    if path := environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def hold(token: str, environ: Mapping[str, str]) -> list[str]:
    """Return the command by which GitHub Actions takes no more lines for commands, whatever a job has printed."""
    return [f"::stop-commands::{token}"] if environ.get("GITHUB_ACTIONS") == "true" else []


def release(token: str, environ: Mapping[str, str]) -> list[str]:
    """Return the command that ends `hold`."""
    return [f"::{token}::"] if environ.get("GITHUB_ACTIONS") == "true" else []


def command(kind: str, title: str, message: str) -> str:
    """Write one workflow command; nothing in title or message can end it or begin another."""
    head = _escaped(clean(title, 200)).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={head}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
