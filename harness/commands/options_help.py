"""The options of `pytest checks` apart from pytest: as a parser, for help by groups, and joined with their values."""

from collections.abc import Iterator, Sequence
from shlex import quote

from harness.commands.arguments import Parser
from harness.settings.options import OPTIONS, Option

GROUPS = {
    "what to verify": ("--job", "--job-args", "--nproc", "--run", "--run-dir", "--job-log", "--replay"),
    "how": ("--server", "--offline", "--sync", "--expect", "--expect-points", "--report"),
}
LUMI = "on LUMI, or any machine with Slurm"
MORE = "more"
OWN_WORDS = ("--job", "--job-args")
"""Options whose value may begin with a dash: `-m package.module`, `--lr 1e-3`."""


def option_parser(prog: str, told: str, epilog: str = "") -> Parser:
    """Return a parser of the options, in groups; each value stays the text that was given."""
    import argparse

    parser = Parser(
        prog=prog, description=told, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=f"{prog} [OPTIONS]",
    )  # fmt: skip
    for title, options in _grouped():
        group = parser.add_argument_group(title)
        for o in options:
            words = o.help + (f" ({o.default})" if o.default else "")
            if o.kind == "switch":
                group.add_argument(o.flag, dest=o.dest, action="store_true", default=None, help=words)
            else:
                metavar = o.metavar or ("|".join(o.choices) or "VALUE")
                group.add_argument(o.flag, dest=o.dest, metavar=metavar, help=words.replace("%", "%%"))
    return parser


def _grouped() -> Iterator[tuple[str, list[Option]]]:
    of_lumi = [o for o in OPTIONS if o.flag.startswith("--lumi")]
    for title, flags in GROUPS.items():
        yield title, sorted((o for o in OPTIONS if o.flag in flags), key=lambda o: flags.index(o.flag))
    yield LUMI, of_lumi
    placed = {flag for flags in GROUPS.values() for flag in flags}
    if others := [o for o in OPTIONS if o.flag not in placed and o not in of_lumi]:
        yield MORE, others


def joined(words: Sequence[str]) -> list[str]:
    """Join an option with its value where that may begin with a dash: `--job -m a.b` is `--job=-m a.b`."""
    found: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word in OWN_WORDS and waiting:
            value = waiting.pop(0)
            if word == "--job" and value == "-m" and waiting:
                value = f"-m {waiting.pop(0)}"
            word = f"{word}={value}"
        found.append(word)
    return found


def to_join(words: Sequence[str]) -> list[str]:
    """What to write, for pytest, in place of values that begin with a dash and stand apart from their option."""
    apart = {word for word in words if word.startswith("-")}
    pairs = (word.partition("=") for word in joined(words) if word not in apart)
    return [f"{flag}={quote(value)}" for flag, _, value in pairs if flag in OWN_WORDS and value.startswith("-")]
