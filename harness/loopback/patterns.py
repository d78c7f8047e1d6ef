"""Patterns that a reader asks by: SQL's LIKE, and regular expressions, of which only those that end soon are taken."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

MOST_TRIALS = 10_000_000
"""So many ways to match may be tried on one value, which takes about a second."""
PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?[:=!<P#]?|\{\d+\}|\{\d*,\d*\}|[*+?][?+]?|.", re.DOTALL)


def like(pattern: str, text: str) -> bool:
    """Whether a text is as a pattern says: `%` is any text, `_` any character.

    It goes back to the last `%` only, so that it takes no longer than the product of both lengths.
    """
    place = at = 0
    last, resumed = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "%":
            last, resumed = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("_", text[at]):
            place, at = place + 1, at + 1
        elif last >= 0:
            resumed += 1
            place, at = last + 1, resumed
        else:
            return False
    return not pattern[place:].strip("%")


@dataclass
class _Group:
    """What may be tried out inside a group: its repeats, and 1 if it has alternatives."""

    repeats: int = 0
    alternatives: int = 0

    @property
    def choices(self) -> int:
        return self.repeats + self.alternatives


def choices(pattern: str) -> int | None:
    """How many choices a regular expression leaves: each repeat, and each group with alternatives, is one.

    None where one stands inside a repeated group: it multiplies with every round.
    """
    groups, closed = [_Group()], 0
    for piece in PIECE.findall(pattern):
        counted = len(piece) > 2 and piece[0] == "{"
        if (counted or piece[0] in "*+?") and closed:
            return None
        closed = 0
        if piece[0] == "(":
            groups.append(_Group())
        elif piece == ")" and len(groups) > 1:
            closed = groups.pop().choices
            groups[-1].repeats += closed
        elif piece == "|" and len(groups) > 1:
            groups[-1].alternatives = 1
        elif piece[0] in "*+?" or (counted and "," in piece):
            groups[-1].repeats += 1
    return groups[0].repeats


def ends_soon(left: int, length: int) -> bool:
    """Whether a value of this length may be searched by an expression that leaves so many choices: they multiply."""
    return math.comb(length + left, left) <= MOST_TRIALS
