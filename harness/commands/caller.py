"""Tells the harness's plugin that `lumi-wandb` started pytest, and puts pytest's complaints into one sentence."""

import re
from collections.abc import Generator, Sequence

import pytest

from harness.commands.arguments import no_such_option
from harness.settings.options import OPTIONS

GIVEN: pytest.StashKey[tuple[str, ...]] = pytest.StashKey()
"""What was typed after `lumi-wandb check`, where that started pytest."""
OF_PYTEST = ("--junit-xml", "--verbose", "--quiet", "--collect-only", "--color", "--exitfirst", "--capture", "--tb")


class Caller:
    """What was typed after `lumi-wandb check`."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = tuple(arguments)

    @pytest.hookimpl(wrapper=True)
    def pytest_cmdline_parse(self) -> Generator[None, pytest.Config, pytest.Config]:
        """Note what was typed; say in one sentence what is wrong with it."""
        try:
            config = yield
        except pytest.UsageError as error:
            raise pytest.UsageError(sentence(str(error))) from None
        config.stash[GIVEN] = self._arguments
        return config


def sentence(complaint: str) -> str:
    """Say in one sentence what argparse complains of at length; anything else as it is."""
    found = re.search(r"\berror: (.*)", complaint)
    if not complaint.startswith("usage:") or not found:
        return complaint
    said = found[1]
    if unknown := re.match(r"unrecognized arguments: .*?(--?\w\S*)", said):
        return no_such_option(unknown[1], [*(o.flag for o in OPTIONS), *OF_PYTEST])
    return f"{said}; `lumi-wandb check --help` lists the options."
