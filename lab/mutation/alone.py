"""`python -m lab.mutation.alone MODULE PLACE …`: pytest with one mutant that is there before the first import."""

import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from lab.mutation.mutants import mutants


def main() -> int:
    """What pytest returns."""
    path, place, *arguments = sys.argv[1:]
    code = mutants(Path(path))[int(place)].code()
    original = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, name: str) -> object:
        return code if self.path == path else original(self, name)

    SourceFileLoader.get_code = get_code
    return pytest.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
