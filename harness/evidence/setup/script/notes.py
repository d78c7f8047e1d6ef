"""Lines of a job script that W&B answers with silence or with folders; read from its text, the script is never run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from harness.evidence.models.setup import ScriptNote
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.setup.script.calls import argument, is_call, module_names, unconditional
from harness.evidence.setup.script.sources import parse, read_sources

_LONGEST_LINE = 120
_MOST_NOTES = 5


def script_notes(script: Path | None, redactor: Redactor) -> tuple[ScriptNote, ...]:
    """Lines that may explain a missing run, or folders that lie about: see the functions of `RULES`, in one each."""
    text = next(iter(read_sources(script)), "")
    tree = parse(text)
    if tree is None:
        return ()
    lines = text.split("\n")  # as Python counts them: a form feed ends none
    found = sorted({note for rule in RULES for note in rule(tree)}, key=lambda note: (note[1], note[0]))
    return tuple(
        ScriptNote(kind=kind, line=line, text=redactor.clean(lines[line - 1].strip(), _LONGEST_LINE))
        for kind, line in found[:_MOST_NOTES]
    )


def _never_reached(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The comparison of a variable's text with a number behind which every `wandb.init()` of the script stands."""
    names, never = module_names(tree), {line for _, line in _never_equal(tree)}
    calls = {node for node in ast.walk(tree) if is_call(node, names, "init")}
    guards = [node for node in ast.walk(tree) if isinstance(node, ast.If) and node.test.lineno in never]
    guards = [node for node in guards if isinstance(node.test, ast.Compare) and isinstance(node.test.ops[0], ast.Eq)]
    behind = {below for guard in guards for statement in guard.body for below in ast.walk(statement)}
    if calls and calls <= behind:
        yield "init_never_reached", guards[0].lineno


def _never_equal(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """A variable's text, compared with a number."""
    texts = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_variable(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.In)):
            sides = (node.left, node.comparators[0])
            text = any(_is_variable(side) or (isinstance(side, ast.Name) and side.id in texts) for side in sides)
            if text and any(isinstance(side, ast.Constant) and type(side.value) is int for side in sides):
                yield "text_compared_with_number", node.lineno


def _is_variable(node: ast.expr) -> bool:
    """Whether this is `os.environ[...]`, `os.environ.get(...)` or `os.getenv(...)`: a text, where it is set."""
    if isinstance(node, ast.Subscript):
        return ast.unparse(node.value) in ("os.environ", "environ")
    return isinstance(node, ast.Call) and ast.unparse(node.func) in (
        "os.environ.get", "environ.get", "os.getenv", "getenv",
    )  # fmt: skip


def _swallowed(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """A handler in which an error of `wandb.init()` ends."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any("wandb.init(" in ast.unparse(statement) for statement in node.body):
            for handler in node.handlers:
                if not any(isinstance(below, ast.Raise) for below in ast.walk(handler)):
                    yield "init_error_swallowed", handler.lineno


def _disabled_beside_others(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """A run in mode disabled that every process makes, in a script that makes others too."""
    names = module_names(tree)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and is_call(node, names, "init")]
    disabled = [
        node for node in calls if isinstance(mode := argument(node, "mode"), ast.Constant) and mode.value == "disabled"
    ]
    always = set(unconditional(tree))
    if len(disabled) < len(calls):
        yield from (("disabled_beside_others", node.lineno) for node in disabled if node in always)


def _reads_runs(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """`wandb.Api()`."""
    names = module_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_call(node, names, "Api"):
            yield "reads_runs", node.lineno


RULES = (_never_reached, _never_equal, _swallowed, _disabled_beside_others, _reads_runs)
