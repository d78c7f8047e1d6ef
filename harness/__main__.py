"""The command `lumi-wandb`, also `python -m harness`: finds the verb and starts it; imports nothing before that."""

import sys
from collections.abc import Callable, Mapping, Sequence

USAGE = """\
usage: lumi-wandb VERB …        (also: python -m harness VERB …)

Does Weights & Biases really work for my DDP training on LUMI?

Verify:
  check [OPTIONS]           run a short real job, or look at one that ran, and judge it; `check --help` has the options
  watch RUN|JOBID|DIR …     judge running jobs again and again, and say when something breaks
  preflight [OPTIONS]       what can be known without a job: setup, server, and a look at the script; nothing is spent

Understand:
  explain FAULT_ID          what a fault is and how to fix it
  explain --log FILE        which known faults a job's output matches
  faults [--family NAME]    list the known faults; --markdown FOLDER writes a page of each family

For support:
  bundle [REPORT]           evidence, verdict and tails of logs in one file, without keys
  capture-rocm [FILE]       a redacted sample of what GPU telemetry sees on this node

Tools:
  loopback [--port N] [--api-key KEY]
                            serve the embedded W&B server until interrupted
  completion                completion for bash: eval "$(lumi-wandb completion)"

Exit codes: 0 passed; 1 a check failed; 4 wrong usage; 10 something could not be checked and nothing failed.
"""
Command = Callable[[Sequence[str]], int]


def _check(argv: Sequence[str]) -> int:
    from harness.commands.check import main as check

    return check(argv)


def _preflight(argv: Sequence[str]) -> int:
    from harness.commands.preflight import main as preflight

    return preflight(argv)


def _watch(argv: Sequence[str]) -> int:
    from harness.commands.watch import main as watch

    return watch(argv)


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


def _completion(argv: Sequence[str]) -> int:
    from harness.commands.completion import main as completion

    return completion(argv, COMMANDS)


COMMANDS: Mapping[str, Command] = {
    "check": _check,
    "watch": _watch,
    "preflight": _preflight,
    "explain": _explain,
    "faults": _faults,
    "bundle": _bundle,
    "capture-rocm": _capture,
    "loopback": _loopback,
    "completion": _completion,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb; 4 for wrong usage."""
    verb, *rest = list(sys.argv[1:] if argv is None else argv) or [""]
    if verb in ("-h", "--help", "help"):
        sys.stdout.write(USAGE)
        return 0
    if verb in ("-V", "--version"):
        from importlib.metadata import version

        sys.stdout.write(f"lumi-wandb {version('lumi-wandb-harness')}\n")
        return 0
    if verb in COMMANDS:
        return COMMANDS[verb](rest)
    if not verb:
        sys.stderr.write(USAGE)
        return 4
    from harness.commands.arguments import near

    closest = near(verb, COMMANDS)
    if verb.startswith("-"):
        hint = f"a verb comes first, as in `lumi-wandb check {verb} …`."
    else:
        hint = f"did you mean {closest}?" if closest else "`lumi-wandb --help` lists them."
    sys.stderr.write(f"lumi-wandb: there is no verb {verb}; {hint}\n")
    return 4


if __name__ == "__main__":
    sys.exit(main())
