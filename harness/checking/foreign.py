"""Options of other pytest plugins that would break a verification: each is refused in one sentence, before any job."""

import os
from collections.abc import Iterator, Mapping

import pytest

ALONE = "`lumi-wandb check` loads no other plugins"


def refused(config: pytest.Config, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return why the checks cannot run with what other plugins are told to do; None where they can."""
    return next(_refusals(config, environ), None)


def _refusals(config: pytest.Config, environ: Mapping[str, str]) -> Iterator[str]:
    def given(name: str) -> object:
        return getattr(config.option, name, None)

    if given("numprocesses") or hasattr(config, "workerinput") or given("looponfail"):
        yield "-n is refused: several workers would submit the job several times; leave -n out."
    if given("forked"):
        yield f"--forked is refused: each check would start a job of its own; leave it out: {ALONE}."
    if given("disable_socket") or given("allow_hosts"):
        word = "--disable-socket" if given("disable_socket") else "--allow-hosts"
        yield f"{word} is refused: the checks must reach the W&B server; leave it out: {ALONE}."
    if seconds := _limit(config, environ):
        yield f"pytest-timeout would end a check after {seconds:g} s, and the job with it; add --timeout 0: {ALONE}."
    if given("reruns"):
        yield f"--reruns is refused: a check that failed would only be shown again; leave it out: {ALONE}."
    if (count := given("count")) and isinstance(count, int) and count > 1:
        yield f"--count is refused: the same outcome would only be shown {count} times; leave it out: {ALONE}."


def _limit(config: pytest.Config, environ: Mapping[str, str]) -> float:
    """The limit in seconds that pytest-timeout has for one test: option, variable, ini, in its order; 0 for none."""
    if not config.pluginmanager.hasplugin("timeout"):
        return 0.0
    for found in (config.getoption("timeout", None), environ.get("PYTEST_TIMEOUT"), config.getini("timeout")):
        if found not in (None, ""):
            try:
                return float(found)
            except ValueError:  # the plugin itself says what is wrong with it
                return 0.0
    return 0.0
