"""Finds variables that look like the SDK's and are none: a misspelt one is never complained of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from pathlib import Path

from harness.evidence.models.setup import JobPython, UnreadVariable
from harness.evidence.redaction.redactor import clean
from harness.evidence.setup.script.sources import COMMENT, read_sources

_PREFIX = "WANDB_"
_ALMOST = re.compile(r"(?i)W[ANDB]{3,6}_?[A-Z_]+")
"""What a misspelt name may look like: the prefix may be it."""
_NEAR = 0.8
_MOST = 10
_OTHERS = frozenset({
    "WANDB_LOG_MODEL", "WANDB_WATCH", "WANDB_DISABLED", "WANDB_PROJECT_NAME", "WANDB_LOG_GRADIENTS",
    "WANDB_NOTEBOOK_NAME",
})  # fmt: skip
"""Read by frameworks (Transformers' callback), not by the SDK."""
_WORDS: Mapping[str, str] = {
    "TOKEN": "WANDB_API_KEY", "KEY": "WANDB_API_KEY", "APIKEY": "WANDB_API_KEY", "API_TOKEN": "WANDB_API_KEY",
    "TEAM": "WANDB_ENTITY", "GROUP": "WANDB_RUN_GROUP", "ID": "WANDB_RUN_ID", "URL": "WANDB_BASE_URL",
    "SERVER": "WANDB_BASE_URL", "OFFLINE": "WANDB_MODE", "ONLINE": "WANDB_MODE", "TAG": "WANDB_TAGS",
}  # fmt: skip
"""Names that people make up, and what they mean."""
_ASSIGNED = re.compile(
    r"environ\[\s*[\"'](\w+)[\"']\s*\]\s*=(?!=)|environ\.setdefault\(\s*[\"'](\w+)[\"']"
    r"|(?:^|[;&|]|\bexport|\benv)[ \t]*(?:export[ \t]+)?(\w+)=",
    re.MULTILINE,
)


def unread_variables(env: Mapping[str, str], script: Path | None, python: JobPython) -> tuple[UnreadVariable, ...]:
    """Compare names of the environment and of the script with those that the installed SDK reads.

    Nothing is said where the SDK's own list cannot be read, nor of a variable that the script reads by itself.
    """
    known = sdk_variables(python)
    if not known:
        return ()
    text = "\n".join(COMMENT.sub("", source) for source in read_sources(script))
    assigned = {next(filter(None, names)) for names in _ASSIGNED.findall(text)}
    read = {name for name in re.findall(r"\b\w+\b", _ASSIGNED.sub("", text)) if _ALMOST.fullmatch(name)}
    found: list[UnreadVariable] = []
    for name in sorted({*env, *assigned} - read):
        meant = _meant(name, known)
        if meant and meant not in env:
            where = "script" if name in assigned and name not in env else "environment"
            found.append(UnreadVariable(name=clean(name, 100), meant=meant, where=where))
    return tuple(found[:_MOST])


def sdk_variables(python: JobPython) -> frozenset[str]:
    """Every variable that the SDK beside that interpreter reads, from its source; empty where that is not there."""
    if python.wandb_kind != "package" or python.wandb_location is None:
        return frozenset()
    folder = Path(python.wandb_location).parent
    try:
        settings = (folder / "sdk" / "wandb_settings.py").read_text(encoding="utf-8")
        constants = (folder / "env.py").read_text(encoding="utf-8")
        tree = ast.parse(settings)
    except (OSError, ValueError, SyntaxError):
        return frozenset()
    named = re.findall(r"[\"'](WANDB_[A-Z_]+)[\"']", settings + constants)
    return frozenset({*named, *_fields(tree)})


def _fields(tree: ast.Module) -> Iterator[str]:
    """Each field of `Settings` is a variable, too: `run_name` is WANDB_RUN_NAME, `x_label` also WANDB__LABEL."""
    settings = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings")
    for field in (node.target for found in settings for node in found.body if isinstance(node, ast.AnnAssign)):
        if isinstance(field, ast.Name):
            yield f"{_PREFIX}{field.id.upper()}"
            if field.id.startswith("x_"):
                yield f"{_PREFIX}_{field.id[2:].upper()}"


def _meant(name: str, known: frozenset[str]) -> str | None:
    """The variable that was probably meant; None for one that is read, and for one that is like none."""
    if name in known or name in _OTHERS or not _ALMOST.fullmatch(name):
        return None
    upper = name.upper()
    if upper in known:
        return upper
    if upper.startswith(_PREFIX) and (word := _WORDS.get(upper.removeprefix(_PREFIX))):
        return word
    # The prefix is alike in all of them, so it counts for little.
    public = [other for other in known if not other.startswith((f"{_PREFIX}X_", f"{_PREFIX}_"))]
    ratio, best = max((_alike(upper, other), other) for other in public)
    return best if ratio >= _NEAR else None


def _alike(name: str, known: str) -> float:
    if name.startswith(_PREFIX):
        name, known = name.removeprefix(_PREFIX), known.removeprefix(_PREFIX)
    return SequenceMatcher(None, name, known).ratio()
