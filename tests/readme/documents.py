"""The project's own pages, and what of them is checked by which test."""

from pathlib import Path

from tests.repository import REPOSITORY

README = REPOSITORY / "README.md"
OPTIONS_PAGE = REPOSITORY / "docs" / "options.md"
FAULT_PAGES = REPOSITORY / "docs" / "faults"
WRITTEN = (README, REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md")))
"""Pages that tell users and contributors what to type."""
PAGES: tuple[Path, ...] = tuple(sorted({*WRITTEN, *REPOSITORY.glob("*.md"), *FAULT_PAGES.glob("*.md")}, key=str))
"""Every page."""
ISSUE_FORMS = tuple(sorted((REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("*.yml")))


def text_of(pages: tuple[Path, ...]) -> str:
    """The text of these pages, one after the other."""
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)
