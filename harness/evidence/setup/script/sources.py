"""Which files a job script is made of: itself, modules beside it, scripts that it calls, configuration it names."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

COMMENT = re.compile(r"^\s*#(?!SBATCH\b|!).*$", re.MULTILINE)
"""A line that says nothing to whoever runs the script."""
_MOST_FILES = 64
_MOST_TEXT = 1 << 20
_NAMED = re.compile(r"(?:.*/)?(?:\.env[\w.]*|[\w.-]+\.(?:env|ya?ml|json|toml|ini|cfg|py|sh))")
_SOURCED = re.compile(
    r"(?:^|[;&|]\s*)(?:source|\.)[ \t]+[\"']?([^\s;&|\"']+)|([\w./~-]+\.(?:py|sh|env))\b", re.MULTILINE
)


def read_sources(script: Path | None) -> tuple[str, ...]:
    """The texts of the script and of what it brings along from its own folder, the script's own first.

    A key, a mode or a server may be set in a module of the user's own, in a `.env` or configuration file, or in a file
    that a batch script sources. Installed packages are not read. At most 64 files and 1 MiB.
    """
    if script is None:
        return ()
    texts: list[str] = []
    waiting, known, left = [script], {script}, _MOST_TEXT
    while waiting and left > 0 and len(texts) < _MOST_FILES:
        path = waiting.pop(0)
        text = _read(path, left)
        if text is None:
            continue
        texts.append(text)
        left -= len(text)
        for found in _called(text, path, script.parent):
            if found not in known:
                known.add(found)
                waiting.append(found)
    return tuple(texts)


def parse(text: str) -> ast.Module | None:
    """The tree of a Python script; None for anything else. A one-line batch script may parse: it has no calls."""
    if text.startswith("#!") and "python" not in text.partition("\n")[0]:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _read(path: Path, most: int) -> str | None:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(most)
    except OSError:
        return None


def _called(text: str, path: Path, folder: Path) -> Iterator[Path]:
    """Files that a script imports or names, where they are in its folder (the first on Python's path) or below."""
    tree = parse(text) if path.suffix == ".py" or text.startswith("#!") else None
    if tree is None:
        names = (Path(one or two) for one, two in _SOURCED.findall(text))
        yield from (found for name in names for found in _there(_expanded(name, folder)))
        return
    for module, level in _imports(tree):
        base = path.parents[level - 1] if 0 < level <= len(path.parents) else folder
        place = base.joinpath(*module.split("."))
        yield from _there(base.joinpath(f"{module.replace('.', '/')}.py"), place / "__init__.py")
    named = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named |= {".env"} if "dotenv" in text else set()
    yield from _there(*(_expanded(Path(name), folder) for name in sorted(named) if _NAMED.fullmatch(name)))


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Modules that may be meant, each with its leading dots: `from a import b` may name a module a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = f"{node.module}." if node.module else ""
            yield from [(node.module, node.level)] if node.module else []
            yield from ((f"{prefix}{alias.name}", node.level) for alias in node.names if alias.name != "*")


def _expanded(name: Path, folder: Path) -> Path:
    try:
        return folder / name.expanduser()
    except RuntimeError:  # no such user
        return folder / name


def _there(*paths: Path) -> Iterator[Path]:
    yield from (path for path in paths if os.path.isfile(path))  # noqa: PTH113 - Path.is_file() may raise
