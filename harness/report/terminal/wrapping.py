"""Wraps words for the terminal; paths, addresses and commands stay whole, to be copied."""

import textwrap


def wrapped(text: str, width: int, first: str = "", hang: str = "") -> list[str]:
    """Wrap a text; `first` stands before its first line, `hang` before the others."""
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
    )
