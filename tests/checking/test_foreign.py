"""Other plugins' options that would break a verification are refused by name; the rest is left alone."""

from types import SimpleNamespace

import pytest

from harness.checking.foreign import refused


def config(plugins=(), ini=None, **options):
    return SimpleNamespace(
        option=SimpleNamespace(**options),
        pluginmanager=SimpleNamespace(hasplugin=lambda name: name in plugins),
        getoption=lambda name, default=None: options.get(name, default),
        getini=lambda name: (ini or {}).get(name, ""),
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (config(numprocesses=2), "-n is refused"),
        (config(forked=True), "--forked is refused"),
        (config(disable_socket=True), "--disable-socket is refused"),
        (config(allow_hosts="127.0.0.1"), "--allow-hosts is refused"),
        (config(["timeout"], timeout=30.0), "after 30 s"),
        (config(["timeout"], ini={"timeout": "60"}), "after 60 s"),
        (config(reruns=2), "--reruns is refused"),
        (config(count=3), "--count is refused"),
    ],
)
def test_what_would_break_a_verification_is_refused(found, words):
    assert words in (refused(found, {}) or "")


@pytest.mark.parametrize(
    "found", [config(), config(forked=False, reruns=0, count=1), config(["timeout"], timeout=0.0, ini={"timeout": "9"})]
)
def test_plugins_that_do_no_harm_are_left_alone(found):
    assert refused(found, {}) is None


def test_a_limit_may_come_from_the_environment():
    assert "after 5 s" in (refused(config(["timeout"]), {"PYTEST_TIMEOUT": "5"}) or "")
