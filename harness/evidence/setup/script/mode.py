"""What the text of a job script, Python or batch, says about the W&B mode; the script is never run."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.setup.script.calls import argument, is_call, module_names, unconditional
from harness.evidence.setup.script.sources import COMMENT, parse, read_sources

_MODE_ASSIGNED = re.compile(r"\bWANDB_MODE=[\"']?(?P<value>[A-Za-z]*)(?P<end>[\"']?(?:[\s;,&)]|$))?")
_MODE_COMMAND = re.compile(r"\bwandb\s+(?:online|offline|enabled|disabled)\b")
_MODE_TEXT = re.compile(r"\bmode\s*=|\*\*|WANDB_MODE|\bwandb\s+(?:online|offline|enabled|disabled)\b")
_BATCH_MODE_TEXT = re.compile(r"WANDB_MODE|\bwandb\s+(?:online|offline|enabled|disabled)\b")
_MODE_WORD = re.compile(r"\b(?:online|offline|disabled|dryrun)\b")
_OPENED = re.compile(r"(?:^|;)\s*(?:if|case)\b", re.MULTILINE)
_CLOSED = re.compile(r"(?:^|;)\s*(?:fi|esac)\b", re.MULTILINE)


@dataclass(frozen=True)
class ScriptMode:
    """What the script says about the mode: whether anything at all, and the one value if it is beyond doubt."""

    mentioned: bool = False
    literal: str | None = None


def script_mode(script: Path | None) -> ScriptMode:
    """The mode that the script sets by itself, by an argument, an environment variable or `wandb offline`.

    Its value counts only where nothing else that the script brings along speaks of a mode.
    """
    said = [_mode_of(text) for text in read_sources(script)]
    mentioned = any(mode.mentioned for mode in said)
    alone = said and not any(mode.mentioned for mode in said[1:])
    return ScriptMode(mentioned, said[0].literal if alone else None)


def _mode_of(text: str) -> ScriptMode:
    if not _MODE_TEXT.search(text):
        return ScriptMode()
    tree = parse(text)
    return _python_mode(tree) if tree is not None else _batch_mode(text)


def script_mode_words(script: Path | None) -> tuple[str, ...]:
    """The words for a mode that stand anywhere in the script and in what it brings along."""
    found = (_MODE_WORD.findall(COMMENT.sub("", text)) for text in read_sources(script))
    return tuple(sorted({word for words in found for word in words}))


def _python_mode(tree: ast.Module) -> ScriptMode:
    """Arguments to `wandb.init` and assignments to `os.environ["WANDB_MODE"]`.

    The value counts only where every `wandb.init` call agrees: `mode="disabled"` for the other ranks beside a plain
    call for the first one decides nothing about the run. An assignment under a condition decides nothing either.
    """
    names = module_names(tree)
    nodes = list(ast.walk(tree))
    calls = [_mode_of_call(node, names) for node in nodes if is_call(node, names, "init")]
    settings = [argument(node, "mode") for node in nodes if is_call(node, names, "Settings")]
    assigned = [_assigned_mode(node) for node in nodes]
    if not any(mode is not None for mode in (*calls, *settings, *assigned)):
        return ScriptMode()
    if any(call is not None for call in calls):
        literals = {_literal(call) if call is not None else None for call in calls}
    else:
        plain = [_assigned_mode(node) for node in unconditional(tree)]
        said = [mode for mode in assigned if mode is not None]
        literals = {_literal(mode) if mode in plain else None for mode in said}
        literals |= {None} if any(mode is not None for mode in settings) else set()
    return ScriptMode(mentioned=True, literal=literals.pop() if len(literals) == 1 else None)


def _mode_of_call(node: ast.AST, names: frozenset[str]) -> ast.expr | None:
    """The mode that one `wandb.init(...)` asks for, as an argument or within `settings=wandb.Settings(...)`."""
    settings = argument(node, "settings")
    inner = argument(settings, "mode") if settings is not None and is_call(settings, names, "Settings") else None
    return argument(node, "mode") or inner or argument(node, None)


def _assigned_mode(node: ast.AST) -> ast.expr | None:
    """The value that a statement puts under WANDB_MODE in the script's own environment."""
    if isinstance(node, ast.Assign) and any(_is_mode_variable(target) for target in node.targets):
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setdefault":
        default = len(node.args) == 2 and isinstance(node.args[0], ast.Constant) and node.args[0].value == "WANDB_MODE"
        # The variable from outside still wins: a mention, no more.
        return ast.Name(id="default", ctx=ast.Load()) if default else None
    return None


def _is_mode_variable(target: ast.expr) -> bool:
    index = target.slice if isinstance(target, ast.Subscript) else None
    return isinstance(index, ast.Constant) and index.value == "WANDB_MODE"


def _literal(value: ast.expr) -> str | None:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _batch_mode(text: str) -> ScriptMode:
    """Every `WANDB_MODE=` of a batch script (export, prefix, --env, --export); comments do not count."""
    text = COMMENT.sub("", text)
    values = {_batch_value(text, found) for found in _MODE_ASSIGNED.finditer(text)}
    # `wandb offline` writes a settings file, which the environment would still overrule.
    decided = len(values) == 1 and not _MODE_COMMAND.search(text)
    return ScriptMode(mentioned=bool(_BATCH_MODE_TEXT.search(text)), literal=values.pop() if decided else None)


def _batch_value(text: str, found: re.Match[str]) -> str | None:
    """The assigned word; None where it is not a plain word or stands under a condition."""
    before = text[: found.start()]
    conditional = len(_OPENED.findall(before)) > len(_CLOSED.findall(before))
    return (found["value"] or None) if found["end"] is not None and not conditional else None
