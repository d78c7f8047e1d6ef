"""The difference between a script and its mended text, as `patch` and as `sed` take it."""

from collections.abc import Sequence
from difflib import SequenceMatcher, unified_diff

from harness.evidence.redaction.redactor import REDACTED


def unified(path: str, old: str, new: str) -> str | None:
    """A unified diff for `patch -p1`; None where a line that it shows had a key in it, for then it would not apply."""
    if not new.endswith("\n") or not old.endswith("\n"):
        return None
    lines = unified_diff(_lines(old), _lines(new), f"a/{path}", f"b/{path}")
    text = "".join(lines)
    return None if REDACTED in text else text


def deletions(old: str, new: str) -> Sequence[tuple[int, int]]:
    """First and last line, from 1 on, of what was taken away; nothing where more than that was done."""
    steps = SequenceMatcher(None, _lines(old), _lines(new), autojunk=False).get_opcodes()
    if any(tag not in ("equal", "delete") for tag, *_ in steps):
        return ()
    return [(first + 1, last) for tag, first, last, _, _ in steps if tag == "delete"]


def _lines(text: str) -> list[str]:
    """Lines as `patch` counts them: a form feed or a Unicode line separator does not end one."""
    return [line + "\n" for line in text.split("\n")[:-1]]
