"""`lumi-wandb faults`: the list of the known faults."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.commands.arguments import Parser
from harness.commands.explain import generic_values
from harness.commands.fault_pages import write
from harness.judging.catalogue import catalogue
from harness.judging.findings import fill


def main(argv: Sequence[str]) -> int:
    """List the faults, of one family or all, in a table; or write their pages in Markdown."""
    families = sorted({e.family for e in catalogue().values()})
    parser = Parser(prog="lumi-wandb faults")
    parser.add_argument("--family", choices=families)
    parser.add_argument("--markdown", type=Path, metavar="FOLDER")
    options = parser.parse_args(argv)
    if options.markdown:
        try:
            write(options.markdown)
        except OSError as error:
            parser.error(f"{options.markdown} cannot be written: {error.strerror}")
        return 0
    table = Table(box=None, pad_edge=False)
    for column in ("fault", "severity", "what it is"):
        table.add_column(column, no_wrap=column != "what it is")
    for entry in catalogue().values():
        if options.family in (None, entry.family):
            table.add_row(entry.id, entry.severity, escape(fill(entry.title, generic_values())))
    Console().print(table)
    return 0
