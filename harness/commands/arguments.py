"""How the project's own commands read their arguments: wrong usage is one sentence and exit code 4."""

import argparse
import sys
from typing import NoReturn

USAGE_ERROR = 4


class Parser(argparse.ArgumentParser):
    """Ends with one sentence and exit code 4."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the usage."""
        sys.stderr.write(f"{self.prog}: {message}\n")
        raise SystemExit(USAGE_ERROR)
