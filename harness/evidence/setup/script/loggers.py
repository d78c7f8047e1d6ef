"""Whether a framework is given its logger for W&B: by the arguments of its trainer, or by its configuration."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

_OWN_LOGGER = r"\bW(?:andb|andB|ANDB)\w*(?:Logger|Callback|Tracker)\b|\bwandb_callback\b"
_GIVEN_LOGGER = r"\bloggers?=(?!False\b|True\b|None\b)[^=\s]|\.loggers? = |[\"']loggers?[\"']:|\*\*\w+|\bclass_path:"
"""Lightning's: one that is made, but not given to the trainer, logs nothing. An assignment has spaces around `=`."""
_REPORTS = rf"report_to[\"']?\s*[=:]\s*[^\n]*[\"'\[ ](?:wandb|all)\b|{_OWN_LOGGER}"
_TRACKS = rf"log_with[\"']?\s*[=:]\s*[^\n]*(?:wandb|all|WANDB)\b|{_OWN_LOGGER}"
_ATTACHED: Mapping[str, re.Pattern[str]] = {
    **{name: re.compile(_OWN_LOGGER + r"\(") for name in ("ignite", "skorch", "keras", "fastai")},
    **{name: re.compile(rf"(?s)(?=.*(?:{_OWN_LOGGER})).*(?:{_GIVEN_LOGGER})") for name in ("lightning", "fabric")},
    **{name: re.compile(_REPORTS) for name in ("transformers", "trl")},
    # Without init_trackers(), what is given to accelerator.log() goes nowhere.
    "accelerate": re.compile(rf"(?s)(?=.*(?:{_TRACKS})).*\binit_trackers\("),
    "deepspeed": re.compile(r"[\"']?\bwandb\b[\"']?\s*[:=]\s*\{[^{}]*[\"']enabled[\"']\s*:\s*[Tt]rue\b"),
    "stable_baselines3": re.compile(rf"{_OWN_LOGGER}|sync_tensorboard\s*=\s*True"),
    "ultralytics": re.compile(rf"{_OWN_LOGGER}|\bwandb\s*=\s*True|[\"']wandb[\"']\s*:\s*True"),
    "tensorboard": re.compile(r"sync_tensorboard[\"']?\s*[=:]\s*True|\btensorboard\.patch\("),
}  # fmt: skip
_HANDED_TO: Mapping[str, tuple[str, str]] = {"lightning": ("Trainer", "logger"), "fabric": ("Fabric", "loggers")}
"""Whose argument the logger is; where its value can be followed in the text, that is the answer."""


def is_attached(framework: str, whole: str, trees: Sequence[ast.Module]) -> bool:
    """Whether a framework logs to W&B, as far as the text of the script and of its own modules shows."""
    if framework in _HANDED_TO:
        told = [one for tree in trees for one in _handed_over(tree, *_HANDED_TO[framework])]
        if told and None not in told:
            return any(told)
    return bool(_ATTACHED[framework].search(whole))


def _handed_over(tree: ast.Module, callee: str, argument: str) -> Iterator[bool | None]:
    """For each call, whether it is handed a logger for W&B; None where its value is made elsewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) == callee:
            named = {keyword.arg: keyword.value for keyword in node.keywords}
            if argument in named:
                yield _is_ours(named[argument], tree)
            else:
                yield None if None in named else False


def _is_ours(value: ast.expr, tree: ast.Module, depth: int = 3) -> bool | None:
    """Whether this is a logger for W&B; None where the text does not say what it is."""
    if isinstance(value, ast.Constant):
        return False
    if isinstance(value, ast.Call):
        name = _last_name(value.func)
        ours = bool(re.fullmatch(_OWN_LOGGER, name))
        return ours or (False if name.endswith("Logger") else None)
    if isinstance(value, (ast.List, ast.Tuple)):
        return _any(_is_ours(one, tree, depth) for one in value.elts)
    if isinstance(value, ast.IfExp):
        return _any(_is_ours(one, tree, depth) for one in (value.body, value.orelse))
    if isinstance(value, (ast.Name, ast.Attribute)) and depth:
        return _any(_is_ours(one, tree, depth - 1) for one in _assigned(ast.unparse(value), tree))
    return None


def _any(answers: Iterable[bool | None]) -> bool | None:
    """Yes where one is; unknown where one is unknown, or none was given."""
    known = list(answers)
    return True if True in known else None if None in known or not known else False


def _assigned(name: str, tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == name for target in node.targets):
            yield node.value


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
