"""Finds the commands in a page: lines of code blocks, and words in backticks that one would type."""

import re

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
TYPED = re.compile(
    r"(?:[A-Z_]+=\S+ )?(?:\S*/)?(?:pytest|python3?|make|pip|wandb|reframe|module|sbatch|export|torchrun) "
)
"""What begins so, and has more than one word, is typed."""


def commands(text: str) -> list[str]:
    """Every command once, in order, without comments; a block of YAML, Python or text is no command."""
    found = [
        line
        for kind, block in BLOCK.findall(text)
        if kind not in ("yaml", "python", "text")
        for line in lines_of(block)
    ]
    found += [span for span in SPAN.findall(BLOCK.sub("", text)) if TYPED.match(span) or re.match(r"[A-Z_]+='", span)]
    return list(dict.fromkeys(re.sub(r"\s+#.*", "", line).strip() for line in found))


def lines_of(block: str) -> list[str]:
    """What is typed in a block: the lines after a prompt, where there is one; else all."""
    lines = [line for line in block.splitlines() if line.strip()]
    return [line[2:] for line in lines if line.startswith("$ ")] or lines


def flags(text: str) -> set[str]:
    """Every long option that a page names."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
