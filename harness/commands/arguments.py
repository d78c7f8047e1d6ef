"""How the project's own commands read their arguments: wrong usage is one sentence and exit code 4."""

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NoReturn

USAGE_ERROR = 4


class Parser(argparse.ArgumentParser):
    """Ends with one sentence and exit code 4; a word that is misspelt brings the one that may be meant."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the usage."""
        if unknown := re.match(r"unrecognized arguments: (-\S+)", message):
            message = no_such_option(unknown[1], self._option_string_actions)
        sys.stderr.write(f"{self.prog}: {message}\n")
        raise SystemExit(USAGE_ERROR)


def near(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that comes close to this one; None where none does."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.75)
    return close[0] if close else None


def no_such_option(word: str, known: Iterable[str]) -> str:
    """Say that there is no such option, and which one may be meant."""
    name = word.partition("=")[0]
    closest = near(name, known)
    return f"there is no option {name}; " + (f"did you mean {closest}?" if closest else "--help lists them.")


def misspelt(words: Sequence[str], known: Iterable[str], others: Iterable[str] = ()) -> dict[str, str]:
    """Return the long options among the words that are close to a known one, and that one.

    Args:
        words: what was typed.
        known: the options in question.
        others: options that are right as they are.
    """
    known = tuple(known)
    names = {w.partition("=")[0] for w in words if w.startswith("--") and len(w) > 2} - {*known, *others}
    return {name: closest for name in sorted(names) if (closest := near(name, known))}
