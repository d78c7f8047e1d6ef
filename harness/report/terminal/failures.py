"""How pytest shows a check that did not pass: expected, observed and the name of the cause; the cure stands below."""

from dataclasses import dataclass
from typing import Protocol

from harness.evidence.redaction.visible import block, clean
from harness.judging.verdict import Finding
from harness.report.terminal.wrapping import wrapped

UNKNOWN = "no known fault explains this"
LABEL = 10
"""Columns of the labels."""


class Writer(Protocol):
    """The part of pytest's TerminalWriter that is used."""

    @property
    def fullwidth(self) -> int:
        """Columns of the terminal."""

    def line(self, s: str = "", **markup: bool) -> None:
        """Write a line."""


@dataclass(frozen=True)
class Crash:
    """A failure in one line, where pytest looks for it: short summary, `--tb=line`, JUnit's message."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Explanation:
    """What pytest keeps in place of a traceback.

    On the terminal a failed check names its cause, and the closing summary tells cause and cure once. As text, in
    JUnit's file, each failure stands alone: it tells the cure too.
    """

    reprcrash: Crash
    told: tuple[tuple[str, str], ...]
    """Labels and texts."""
    cure: tuple[tuple[str, str], ...] = ()
    quiet: bool = False
    """Whether the one line is enough: `--tb=line`."""

    def toterminal(self, tw: Writer) -> None:
        """Write to pytest's terminal."""
        for text in () if self.quiet else rows(self.told, min(tw.fullwidth, 100)):
            tw.line(text)

    def __str__(self) -> str:
        return "\n".join([self.reprcrash.message, *rows((*self.told, *self.cure), None)])


def failure(where: tuple[str, int], expected: str, observed: str, cause: Finding | None, *, quiet: bool) -> Explanation:
    """Explain a failed check, found at path and line `where`."""
    named = f"{cause.id}: {clean(cause.title)}" if cause else UNKNOWN
    told = (("expected", expected), ("observed", block(observed)), ("cause", named))
    line = named if cause else f"{clean(observed)}: {UNKNOWN}"
    return Explanation(Crash(*where, line), told, _cure(cause) if cause else (), quiet)


def not_checked(where: tuple[str, int], expected: str, reason: str, *, quiet: bool) -> Explanation:
    """Explain a check that could not be made."""
    told = (("asked", expected), ("trouble", block(reason)))
    return Explanation(Crash(*where, clean(reason)), told, (), quiet)


def _cure(cause: Finding) -> tuple[tuple[str, str], ...]:
    seen = tuple(("seen", block(text, 800)) for text in cause.observed[:3])
    advice = tuple(("advice", block(text)) for text in cause.advice)
    return (*seen, *advice, ("guide", cause.guide_section), *(("link", link) for link in cause.links[:1]))


def rows(told: tuple[tuple[str, str], ...], width: int | None) -> list[str]:
    """Set labels beside texts; a label that repeats is left out. Indented lines are code and stay whole."""
    lines: list[str] = []
    last = ""
    for label, text in told:
        head = "" if label == last else label
        for line in text.splitlines() or [""]:
            fits = width is None or line.startswith(" ")
            for part in [line] if fits else wrapped(line, max(20, (width or 0) - LABEL)) or [""]:
                lines.append(f"{head:<{LABEL}}{part}".rstrip())
                head = ""
        last = label
    return lines
