"""The command `python -m harness`: explain faults, list them, serve the loopback backend, pack a bundle."""

import sys
from collections.abc import Callable, Mapping, Sequence

USAGE = """\
usage: python -m harness COMMAND …

  explain FAULT_ID          what a fault is and how to fix it
  explain --log FILE        which known faults a job's output matches
  faults [--family NAME]    list the known faults
  faults --markdown FOLDER  write the pages of all faults, one for each family
  bundle [REPORT]           evidence, verdict and tails of logs in one file for user support, without keys
  capture-rocm [FILE]       a redacted sample of what GPU telemetry sees on this node
  loopback [--port N] [--api-key KEY]
                            serve the loopback W&B backend until interrupted
"""
Command = Callable[[Sequence[str]], int]


def _loopback(argv: Sequence[str]) -> int:
    from harness.commands.loopback import main as serve

    return serve(list(argv))


def _explain(argv: Sequence[str]) -> int:
    from harness.commands.explain import main as explain

    return explain(argv)


def _faults(argv: Sequence[str]) -> int:
    from harness.commands.faults import main as faults

    return faults(argv)


def _capture(argv: Sequence[str]) -> int:
    from harness.commands.capture_rocm import main as capture

    return capture(argv)


def _bundle(argv: Sequence[str]) -> int:
    from harness.commands.bundle import main as bundle

    return bundle(argv)


COMMANDS: Mapping[str, Command] = {
    "explain": _explain,
    "faults": _faults,
    "loopback": _loopback,
    "bundle": _bundle,
    "capture-rocm": _capture,
}


def main(argv: Sequence[str]) -> int:
    """Run a command; 4 for wrong usage."""
    if argv and argv[0] in ("-h", "--help"):
        sys.stdout.write(USAGE)
        return 0
    command = COMMANDS.get(argv[0]) if argv else None
    if command is None:
        sys.stderr.write(f"{argv[0]}: no such command.\n{USAGE}" if argv else USAGE)
        return 4
    return command(argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
