"""How a job script logs: which framework trains, whether it was given W&B, and what the script calls by itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.evidence.models.setup import ScriptLook
from harness.evidence.redaction.redactor import clean
from harness.evidence.setup.script.calls import is_call, module_names, used
from harness.evidence.setup.script.loggers import is_attached
from harness.evidence.setup.script.sources import COMMENT, parse, read_sources

_MOST_SCALARS = 20
_MOST_METRICS = 40
_DRIVES: Mapping[str, re.Pattern[str]] = {
    "lightning": re.compile(r"\b(?:pytorch_lightning|lightning)\b[\s\S]*\b(?:Trainer|LightningCLI)\("),
    "fabric": re.compile(r"\blightning(?:\.fabric|_fabric)?\b[\s\S]*\bFabric\("),
    "trl": re.compile(r"\btrl\b[\s\S]*\b\w+(?:Trainer|Config)\("),
    "transformers": re.compile(r"\btransformers\b[\s\S]*\b(?:Seq2Seq)?(?:TrainingArguments|Trainer)\("),
    "accelerate": re.compile(r"\baccelerate\b[\s\S]*\bAccelerator\("),
    "deepspeed": re.compile(r"\bdeepspeed\b[\s\S]*\bdeepspeed\.initialize\("),
    "ignite": re.compile(r"\bignite\b[\s\S]*\b(?:Engine|create_supervised_trainer)\("),
    "skorch": re.compile(r"\bskorch\b[\s\S]*\bNeuralNet\w*\("),
    "keras": re.compile(r"\bkeras\b[\s\S]*\.fit\("),
    "fastai": re.compile(r"\bfastai\b[\s\S]*\.fit\w*\("),
    "ultralytics": re.compile(r"\bultralytics\b[\s\S]*\.train\("),
    "stable_baselines3": re.compile(r"\bstable_baselines3\b[\s\S]*\.learn\("),
    "tensorboard": re.compile(
        r"\b(?:torch\.utils\.tensorboard|tensorboardX)\b[\s\S]*\bSummaryWriter\(|\btf\.summary\."
    ),
}
"""What a script brings along and calls where the framework trains (or writes) for it."""
_INTERVAL = re.compile(r"\b(log_every_n_steps|logging_steps)[\"']?\s*[=:]\s*(\d+)\b")
_STRATEGY = re.compile(r"(?i)\blogging_strategy[\"']?\s*[=:]\s*(?:[\"']|\w*IntervalStrategy\.)(no|epoch|steps)\b")
_AGENT = re.compile(r"\bwandb\.agent\(|\bwandb\s+agent\b|\bwandb\.sweep\(")


def script_look(script: Path | None) -> ScriptLook:
    """Look at the script and at what it brings along from its own folder."""
    sources = [_code(text) for text in read_sources(script)]
    whole = "\n".join(sources)
    frameworks = tuple(name for name, pattern in _DRIVES.items() if any(pattern.search(text) for text in sources))
    trees = [tree for tree in map(parse, sources) if tree is not None]
    scalars = dict.fromkeys(clean(tag, 100) for tree in trees for tag in _scalars(tree))
    return ScriptLook(
        frameworks=frameworks,
        attached=tuple(name for name in frameworks if is_attached(name, whole, trees)),
        calls_init=any(is_call(node, module_names(tree), "init") for tree in trees for node in ast.walk(tree)),
        logs_itself=any(_logs(tree, alone=len(trees) == 1) for tree in trees),
        runs_agent=bool(_AGENT.search(whole)),
        log_every={name: int(number) for name, number in _INTERVAL.findall(whole)},
        logging_strategy=next(iter(_STRATEGY.findall(whole)), "").lower(),
        metrics=tuple(dict.fromkeys(clean(name, 100) for tree in trees for name in _metrics(tree)))[:_MOST_METRICS],
        scalars=tuple(scalars)[:_MOST_SCALARS],
    )


def _code(text: str) -> str:
    """The text without what it says to people: comments and docstrings."""
    tree = parse(text)
    if tree is None:
        return COMMENT.sub("", text)
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                # An empty block would be no code any more.
                setattr(node, name, [one for one in block if not _is_text(one)] or [ast.Pass()] * bool(block))
    return ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _logs(tree: ast.Module, *, alone: bool) -> bool:
    """Whether there is a call of `log` on wandb or on a run; a framework's own `self.log()` is none.

    A function that nothing speaks of is never called, unless another module of the user's does it.
    """
    names = module_names(tree)
    owners = names | run_names(tree, names)
    return any(log_call(node, owners) is not None for node in (used(tree) if alone else ast.walk(tree)))


def log_call(node: ast.AST, owners: frozenset[str]) -> ast.Call | None:
    """The call, where it is one of `log` on a name that stands for wandb or for a run."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "log":
        return None
    owner = node.func.value
    named = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return node if named in owners else None


def run_names(tree: ast.Module, names: frozenset[str]) -> frozenset[str]:
    """Names that a run is given: `run`, `wandb_run`, and whatever `wandb.init()` is assigned to."""
    made: set[str] = {"run", "wandb_run"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and is_call(node.value, names, "init"):
            targets: list[ast.expr | None] = list(node.targets)
        elif isinstance(node, ast.withitem) and is_call(node.context_expr, names, "init"):
            targets = [node.optional_vars]
        else:
            continue
        made |= {t.id for t in targets if isinstance(t, ast.Name)} | {
            t.attr for t in targets if isinstance(t, ast.Attribute)
        }
    return frozenset(made)


def _metrics(tree: ast.Module) -> Iterator[str]:
    """Names written out in calls such as `run.log({"loss": …})`, `self.log("loss", …)`, `self.log_dict({…})`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        if node.func.attr not in ("log", "log_dict", "log_metrics"):
            continue
        first = node.args[0]
        told = first.keys if isinstance(first, ast.Dict) else [first]
        yield from (key.value for key in told if isinstance(key, ast.Constant) and isinstance(key.value, str))


def _scalars(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_scalar":
            tag = node.args[0] if node.args else None
            if isinstance(tag, ast.Constant) and isinstance(tag.value, str):
                yield tag.value
