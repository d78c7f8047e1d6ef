"""The table of docs/loopback.md: what the SDKs ask and what becomes of it; `python -m tests.loopback.operations_table`
writes it anew from the SDKs of `tests/compat`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from harness.loopback.graphql_api import GraphQLApi
from tests.loopback.documents import Found, documents
from tests.repository import REPOSITORY

PAGE = REPOSITORY / "docs" / "loopback.md"
BEGIN, END = "<!-- operations: begin -->\n", "<!-- operations: end -->\n"
VERSIONS = ("0.19.5", "0.22.3", "0.25.1", "0.28.2", "0.31.0")
SERVED = "served"
ROW = re.compile(r"\| (.+?) \| (.+) \|")


def fates(package: Path) -> dict[str, set[str]]:
    """What becomes of each operation of a package: `served`, what is refused, or why it is unknown."""
    api = GraphQLApi()
    found: dict[str, set[str]] = {}
    for document in documents(package):
        found.setdefault(document.operation, set()).add(fate(api, document))
    return found


def fate(api: GraphQLApi, document: Found) -> str:
    read = api.document(document.text)
    if read.refused is not None:
        return f"refused: no {read.refused}"
    return f"unknown: {document.where}: {'; '.join(read.problems)}" if read.problems else SERVED


def table(operations: dict[str, set[str]]) -> str:
    """The Markdown table: a row for each fate, `served` first."""
    by_fate: dict[str, set[str]] = {}
    for name, found in operations.items():
        for one in found:
            by_fate.setdefault(one, set()).add(name)
    rows = [
        f"| {one} | {', '.join(f'`{name}`' for name in sorted(by_fate[one], key=str.lower))} |"
        for one in sorted(by_fate, key=lambda one: (one != SERVED, one))
    ]
    return "\n".join(["| | Operations |", "|---|---|", *rows, ""])


def written() -> dict[str, set[str]]:
    """What the page says of each operation."""
    text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    found: dict[str, set[str]] = {}
    for row in ROW.finditer(text):
        for name in re.findall(r"`(\w+)`", row[2]):
            found.setdefault(name, set()).add(row[1])
    return found


def main() -> int:
    from tests.compat.sdks import installed

    merged: dict[str, set[str]] = {}
    for version in VERSIONS:
        for name, found in fates(installed(f"wandb=={version}") / "wandb").items():
            merged.setdefault(name, set()).update(found)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + table(merged) + END + rest.partition(END)[2], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
