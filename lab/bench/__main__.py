"""`python -m lab.bench [NAME …]`: run the benchmarks and print one table."""

import importlib
import pkgutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.bench.row import Row


def names() -> list[str]:
    """Names of all benchmarks: a module `bench_NAME` each, with `rows()`."""
    found = pkgutil.iter_modules([str(Path(__file__).parent)])
    return sorted(m.name.removeprefix("bench_") for m in found if m.name.startswith("bench_"))


def main(asked: list[str]) -> int:
    """Run what was asked for, or everything."""
    unknown = set(asked) - set(names())
    if unknown:
        sys.stderr.write(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(names())}.\n")
        return 4
    table = Table("what", "measured", "beside", "result", "target", title="Side by side, on this machine, in this run")
    rows: list[Row] = []
    for name in asked or names():
        module = importlib.import_module(f"lab.bench.bench_{name}")
        for row in module.rows():
            rows.append(row)
            sys.stderr.write(f"{row.what}: {row.result} (target {row.target})\n")
    for row in rows:
        table.add_row(row.what, row.measured, row.beside, row.result, row.target)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
