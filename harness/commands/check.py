"""`lumi-wandb check`: pytest with the checks of this package and no other plugin, from whatever folder it is called."""

import os
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path

from harness.commands.options_help import joined, option_parser
from harness.settings.places import CHECK, CHECKS

INI = Path(__file__).with_name("pytest.ini")
NEEDED = (
    "-c", str(INI), "--rootdir", str(CHECKS.parent), "--noconftest", "-p", "harness.plugin",
    "-p", "no:cacheprovider", "-p", "no:doctest", "-p", "no:unittest", "-p", "no:pastebin",
)  # fmt: skip
"""Neither settings nor conftest.py of the folder it is called from; nothing is written beside the checks."""
PASSED_ON = """\
Options of pytest work too: -v and -q, -k EXPRESSION to choose checks, --junit-xml FILE, --tb, --collect-only, --color.
Each option above may also stand in the environment: --job as HARNESS_WANDB_JOB, --lumi-account as HARNESS_LUMI_ACCOUNT.

Exit codes: 0 passed; 1 a check failed; 4 wrong usage; 10 something could not be checked and nothing failed.
"""


def main(argv: Sequence[str], environ: MutableMapping[str, str] = os.environ) -> int:
    """Verify; returns the exit code."""
    if "-h" in argv or "--help" in argv:
        told = "Run a short real job, or look at one that ran, and judge it."
        sys.stdout.write(option_parser(CHECK, told, PASSED_ON).format_help())
        return 0
    for name in [name for name in environ if name.startswith("PYTEST_")]:
        del environ[name]
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    import pytest

    from harness.commands.caller import Caller

    return int(pytest.main([*NEEDED, *joined(argv), str(CHECKS)], plugins=[Caller(argv)]))
