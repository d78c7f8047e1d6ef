"""Where a Python script calls `wandb.init` and `finish`, and behind which conditions; read from its text alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.evidence.setup.script.calls import argument, is_call, module_names
from harness.evidence.setup.script.sources import parse, read_sources

RANK = re.compile(
    r"(?i)rank|is_(?:main|world|local)_process|is_(?:main|master|chief|primary)\b|is_global_zero|process_index|procid"
)
"""Words of a condition that lets one process through."""
_SHOWN = ("project", "entity", "mode", "name", "group", "id", "resume")


@dataclass(frozen=True)
class InitCall:
    """One call of `wandb.init`."""

    line: int
    arguments: Mapping[str, str]
    """What is given to it, as it is written, of what decides where the run goes."""
    guards: tuple[str, ...]
    """The conditions around it, the outermost first; of the function that it is in, where that is called once."""

    @property
    def on_one_rank(self) -> bool:
        """Whether a condition speaks of ranks: one around the call, or the one that decides its mode."""
        return any(RANK.search(text) for text in (*self.guards, self.arguments.get("mode", "")))


@dataclass(frozen=True)
class ScriptCalls:
    """What a script does with W&B by its own hand."""

    inits: tuple[InitCall, ...] = ()
    finishes: tuple[int, ...] = ()
    """Lines of `wandb.finish()` and `run.finish()`; a `with wandb.init()` finishes by itself."""
    python: bool = True


def script_calls(script: Path | None) -> ScriptCalls:
    """Read the script's own text; what it imports is left out, lest a line is sought in the wrong file."""
    tree = parse(next(iter(read_sources(script)), ""))
    if tree is None:
        return ScriptCalls(python=False)
    names, parents = module_names(tree), _parents(tree)
    nodes = sorted((n for n in ast.walk(tree) if isinstance(n, ast.Call)), key=lambda n: n.lineno)
    inits = tuple(
        InitCall(node.lineno, dict(_arguments(node)), tuple(_guards(node, parents, tree)))
        for node in nodes
        if is_call(node, names, "init")
    )
    finishes = (n.lineno for n in nodes if isinstance(n.func, ast.Attribute) and n.func.attr == "finish")
    return ScriptCalls(inits, tuple(finishes))


def _arguments(call: ast.Call) -> Iterator[tuple[str, str]]:
    for name in _SHOWN:
        if (value := argument(call, name)) is not None:
            yield name, ast.unparse(value)[:60]


def _parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def _guards(node: ast.AST, parents: Mapping[ast.AST, ast.AST], tree: ast.Module, deep: int = 3) -> list[str]:
    """The conditions around a node; from a function on, those around the one call of it."""
    found: list[str] = []
    below = node
    while (above := parents.get(below)) is not None:
        if isinstance(above, ast.If) and "__name__" not in ast.dump(above.test) and below is not above.test:
            test = ast.unparse(above.test)[:60]
            found.append(f"not ({test})" if below in above.orelse else test)
        elif isinstance(above, ast.IfExp) and below is not above.test:
            test = ast.unparse(above.test)[:60]
            found.append(f"not ({test})" if below is above.orelse else test)
        elif isinstance(above, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found += [f"@{ast.unparse(d)[:60]}" for d in above.decorator_list]
            found += [f"not ({ast.unparse(s.test)[:60]})" for s in _left_before(above, below)]
            calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and _called(n) == above.name]
            if len(calls) == 1 and deep:
                return [*_guards(calls[0], parents, tree, deep - 1), *reversed(found)]
        below = above
    return found[::-1]


def _left_before(function: ast.FunctionDef | ast.AsyncFunctionDef, statement: ast.AST) -> Iterator[ast.If]:
    """Conditions under which the function returns before it comes to the statement."""
    for one in function.body:
        if one is statement:
            return
        if isinstance(one, ast.If) and isinstance(one.body[-1], ast.Return):
            yield one


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
