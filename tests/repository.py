"""Where the repository lies, for tests that look at its files."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
