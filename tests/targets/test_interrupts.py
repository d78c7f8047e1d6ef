"""Signals from the first moment of a session to its last."""

import os
import signal

import pytest

from harness.targets.interrupts import SIGNALS, Interrupts


@pytest.fixture
def interrupts():
    taken = Interrupts()
    taken.install()
    yield taken
    taken.restore()


@pytest.mark.parametrize("number", SIGNALS)
def test_each_interrupts_and_is_named(interrupts, number):
    with pytest.raises(KeyboardInterrupt, match=number.name):
        os.kill(os.getpid(), number)
    assert interrupts.came == number.name


def test_one_that_comes_while_reports_are_written_waits_and_a_second_one_does_not(interrupts):
    interrupts.close()
    os.kill(os.getpid(), signal.SIGTERM)
    assert interrupts.came is None
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_held_ones_come_at_the_end(interrupts):
    came_late = []

    def hold() -> None:
        with interrupts.held():
            os.kill(os.getpid(), signal.SIGTERM)
            came_late.append(True)

    with pytest.raises(KeyboardInterrupt):
        hold()
    assert came_late


def test_what_was_there_before_comes_back(interrupts):
    interrupts.restore()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nohup_keeps_sighup_away():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    taken = Interrupts()
    taken.install()
    try:
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        taken.restore()
        signal.signal(signal.SIGHUP, before)
