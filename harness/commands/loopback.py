"""`lumi-wandb loopback`: serves the loopback W&B backend alone until it is interrupted."""

from __future__ import annotations

import argparse
import re
import shlex
import signal
import sys
import threading

from harness.commands.arguments import USAGE_ERROR, Parser
from harness.loopback.faults import Fault

LARGEST_PORT = 65535
# What every SDK accepts as a key: at least 40 characters out of letters, digits and underscores.
GOOD_KEY = re.compile(r"[A-Za-z0-9_]{40,}")


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to {LARGEST_PORT}, not {text!r}")
    return int(text)


def _key(text: str) -> str:
    # The message must not repeat the key.
    if not GOOD_KEY.fullmatch(text):
        raise argparse.ArgumentTypeError("an API key has at least 40 letters, digits or underscores")
    return text


def _fault(text: str) -> Fault:
    try:
        return Fault.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = Parser(prog="lumi-wandb loopback", description=(__doc__ or "").partition(":")[2].strip())
    made.add_argument("--port", type=_port, default=0, help="port on 127.0.0.1 (default: a free one)")
    made.add_argument("--api-key", type=_key, metavar="KEY", help="the key to accept (default: a random one)")
    made.add_argument("--store", metavar="DIR", help="keep everything in this folder (default: in memory)")
    made.add_argument("--prefix", default="", help="path in front of everything, such as /wandb")
    made.add_argument("--fault", type=_fault, action="append", default=[], metavar="NAME=VALUE,...", help="misbehave")
    return made


def tell(message: str) -> None:
    """One message on stderr, at once."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def main(argv: list[str]) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit code: 0, or 4 where it cannot start."""
    command = parser()
    options = command.parse_args(argv)
    try:
        from harness.loopback.server import LoopbackServer
    except ModuleNotFoundError as error:
        tell(f"{command.prog}: {error.name} is missing; it comes with pip install 'lumi-wandb-harness[local]'")
        return USAGE_ERROR
    try:
        server = LoopbackServer(
            options.port,
            api_key=options.api_key,
            store_dir=options.store,
            prefix=options.prefix,
            on_unknown=tell,
        )
    except ValueError as error:
        tell(f"{command.prog}: cannot read the store: {error}")
        return USAGE_ERROR
    except OSError as error:
        what = f"port {options.port}" if error.filename is None else f"folder {error.filename}"
        tell(f"{command.prog}: cannot use {what}: {error.strerror}")
        return USAGE_ERROR
    server.faults.add(*options.fault)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with server:
        # The one place where a key is printed: it is thrown away with this server.
        for name, value in server.environment().items():
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
        sys.stdout.flush()
        ended.wait()
    return 0
