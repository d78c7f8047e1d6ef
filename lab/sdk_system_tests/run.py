"""Plays wandb's own system tests against the embedded server: `python -m lab.sdk_system_tests.run CHECKOUT PYTHON`.

CHECKOUT is wandb's source at the tag of an SDK, PYTHON an interpreter that has this SDK and what its tests need. Only
the tests are copied, to a folder that is gone at the end: the SDK that is tested is the installed one.
"""

from __future__ import annotations

import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

from lab.sdk_system_tests.backend import backend

GROUPS = {
    "core": ("test_core",),
    "api": ("test_api",),
    "artifacts": ("test_artifacts",),
    "sweeps": ("test_sweep",),
    "plots": ("test_plot.py",),
}
REFUSED = "the embedded server has no "
# Stands in for `python` on the PATH: wandb's tests ask their tool with it where the server is.
SHIM = """#!/bin/sh
case "$*" in
  *local_wandb_server.py*connect*) echo '{connection}' ;;
  *) exec {python} "$@" ;;
esac
"""


def show(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass
class Result:
    """One group: how many passed, were skipped, and failed with what."""

    passed: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def place(checkout: Path, python: Path, folder: Path, connection: str) -> dict[str, str]:
    """Copies the tests and returns the environment in which they find the server."""
    shutil.copytree(checkout / "tests", folder / "tests")
    shutil.copy(checkout / "pyproject.toml", folder)
    (folder / "tools").mkdir()
    shims = folder / "shims"
    shims.mkdir()
    shim = shims / "python"
    shim.write_text(SHIM.format(connection=connection, python=python))
    shim.chmod(0o755)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "PYTHONPATH"))}
    home = folder / "home"
    home.mkdir()
    return clean | {"PATH": f"{shims}:{python.parent}:{clean['PATH']}", "HOME": str(home), "CI": "true"}


def read(report: Path) -> Result:
    """The counts of a JUnit report, with one line of reason for each failure."""
    found = Result()
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        if bad is not None:
            text = " ".join(part for part in (bad.get("message"), bad.text, case.findtext("system-err")) if part)
            found.failed[name] = reason(text, bad.get("message") or "")
        elif case.find("skipped") is not None:
            found.skipped += 1
        else:
            found.passed += 1
    return found


def reason(text: str, message: str) -> str:
    """What was refused by name, else the first line of the message."""
    refused = re.search(REFUSED + r"[^:]+", text)
    return refused[0] if refused else " ".join(message.split())[:200]


def main() -> int:
    """Runs the groups that were asked for and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("python", type=Path)
    parser.add_argument("--group", choices=GROUPS, action="append")
    parser.add_argument("--select", default="", help="pytest's -k")
    parser.add_argument("--workers", default="2")
    parser.add_argument("--keep", type=Path, help="folder for the JUnit reports")
    options = parser.parse_args()
    kept = options.keep or Path(tempfile.mkdtemp(prefix="sdk-system-tests-"))
    kept.mkdir(parents=True, exist_ok=True)
    for group in options.group or GROUPS:
        with backend() as running, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            folder = Path(name)
            environment = place(options.checkout, options.python.absolute(), folder, running.connection())
            report = (kept / f"{group}.xml").absolute()
            tests = [f"tests/system_tests/{path}" for path in GROUPS[group]]
            command = [str(options.python.absolute()), "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
            # A busy machine is no failure of the server.
            command += ["-o", "timeout=150"]
            chosen = ["-n", options.workers, "-k", options.select, f"--junitxml={report}", *tests]
            with (kept / f"{group}.log").open("w") as log:
                subprocess.run([*command, *chosen], cwd=folder, env=environment, stdout=log, stderr=log, check=False)
            print_group(group, read(report))
            unknown = collections.Counter(line[:160] for line in running.server.unknown_operations)
            for operation, count in unknown.most_common():
                show(f"  unknown operation ({count}): {operation}")
            for crash in running.server.crashes[:5]:
                show(f"  crash: {crash.splitlines()[-1]}")
    return 0


def print_group(group: str, result: Result) -> None:
    """One group's counts and the failures by reason."""
    total = result.passed + len(result.failed)
    share = 100 * result.passed / total if total else 0
    show(f"{group}: {result.passed} of {total} passed ({share:.1f} %), {result.skipped} skipped")
    for name, why in sorted(result.failed.items()):
        show(f"  {name}: {why}")


if __name__ == "__main__":
    sys.exit(main())
