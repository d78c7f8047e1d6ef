"""Lines of a job script that W&B answers with silence or with folders; read from its text, the script is never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from harness.evidence.models.setup import ScriptNote
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.setup.script.calls import argument, is_call, module_names, unconditional, used
from harness.evidence.setup.script.look import log_call, run_names
from harness.evidence.setup.script.sources import parse, read_sources

_LONGEST_LINE = 120
_MOST_NOTES = 12


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


def _never_commits(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The first `log()`, where every one of the script leaves its row open, or writes to one and the same row."""
    names = module_names(tree)
    owners = names | run_names(tree, names)
    calls = [call for node in used(tree) if (call := log_call(node, owners)) is not None]
    commits = [argument(call, "commit") for call in calls]
    steps = [argument(call, "step") for call in calls]
    if calls and all(isinstance(c, ast.Constant) and c.value is False for c in commits):
        yield "log_never_commits", min(call.lineno for call in calls)
    elif calls and all(isinstance(s, ast.Constant) for s in steps) and len({ast.unparse(s) for s in steps if s}) == 1:
        yield "log_always_same_step", min(call.lineno for call in calls)


def _reads_arguments(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """`sys.argv[1]` and the like: an argument that the script takes without asking whether it is there."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Subscript) or ast.unparse(node.value) not in ("sys.argv", "argv"):
            continue
        if isinstance(node.slice, ast.Constant) and type(node.slice.value) is int and node.slice.value > 0:
            yield "reads_argument", node.lineno


_WORLD = re.compile(r"WORLD_SIZE|world_size|get_world_size|LOCAL_WORLD_SIZE|SLURM_NTASKS|n_?gpus|nproc")


def _expects_world_size(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """A comparison of the number of ranks with a number, on which the script insists."""
    counted = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _WORLD.search(ast.unparse(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Assert, ast.If)):
            continue
        insists = isinstance(node, ast.Assert) or any(isinstance(below, ast.Raise) for below in node.body)
        if insists and isinstance(node.test, ast.Compare) and _speaks_of(node.test, counted):
            sides = (node.test.left, *node.test.comparators)
            if any(isinstance(side, ast.Constant) and type(side.value) is int and side.value > 1 for side in sides):
                yield "expects_world_size", node.lineno


def _speaks_of(test: ast.Compare, counted: set[str]) -> bool:
    """Whether the comparison is with the number of ranks, by its own name or by one that was given to it."""
    named = any(isinstance(node, ast.Name) and node.id in counted for node in ast.walk(test))
    return named or bool(_WORLD.search(ast.unparse(test)))


RULES = (
    _never_reached, _never_equal, _swallowed, _disabled_beside_others, _reads_runs, _never_commits,
    _expects_world_size, _reads_arguments,
)  # fmt: skip
