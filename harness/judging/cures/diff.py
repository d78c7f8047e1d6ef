"""The difference between a script and its mended text, as `patch` and as `sed` take it."""

import re
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


def by_numbers(old: str, new: str) -> Sequence[str]:
    """The same for `sed`, by numbers of lines, which shows nothing of the old ones; empty where that cannot be."""
    before, after = (text.split("\n")[:-1] for text in (old, new))
    found: list[str] = []
    for tag, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        lines = after[start:end] if tag != "equal" else []
        if any(REDACTED in line for line in lines) or first >= len(before):
            return ()
        changed = list(zip(range(first + 1, last + 1), lines, strict=False)) if tag == "replace" else []
        found += [f"{number}s/.*/{_replacement(line)}/" for number, line in changed]
        added = lines[len(changed) :]
        found += [f"{last + (tag == 'insert')}{'i' if tag == 'insert' else 'a'}\\{line}" for line in added]
        if tag in ("delete", "replace") and first + len(changed) < last:
            found.append(f"{first + len(changed) + 1},{last}d")
    return found


def _replacement(line: str) -> str:
    return re.sub(r"([/&\\])", r"\\\1", line)


def _lines(text: str) -> list[str]:
    """Lines as `patch` counts them: a form feed or a Unicode line separator does not end one."""
    return [line + "\n" for line in text.split("\n")[:-1]]
