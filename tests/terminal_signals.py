"""Gives signals back the meaning that they have in a terminal, to this process and to all that it starts."""

import signal

USUAL = ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL))


def restore() -> None:
    """A shell ignores SIGINT for what it starts in the background, nohup SIGHUP; what is started inherits that."""
    for number, usual in USUAL:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)
