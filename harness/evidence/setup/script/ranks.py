"""Whether a script starts its ranks by itself; then no launcher may start it several times."""

from __future__ import annotations

import ast
from pathlib import Path

from harness.evidence.setup.script.sources import parse, read_sources

_LAUNCHERS = frozenset({"notebook_launcher", "debug_launcher", "start_processes"})
_SPAWN = ("mp.spawn", "multiprocessing.spawn", "idist.spawn")
_STRATEGIES = frozenset({"ddp_spawn", "ddp_fork", "ddp_notebook"})
_VARIABLES = frozenset({"RANK", "LOCAL_RANK", "WORLD_SIZE"})


def starts_ranks(script: Path | None) -> bool:
    """Whether the script starts processes of its own for the ranks, and asks no launcher which rank it is."""
    trees = [tree for tree in map(parse, read_sources(script)) if tree is not None]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return any(map(_starts, nodes)) and not any(map(_asks, nodes))


def _starts(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    function = ast.unparse(node.func)
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    strategy = given.get("strategy")
    return (
        function.rpartition(".")[2] in _LAUNCHERS
        or function.endswith(_SPAWN)
        or (function.endswith("Parallel") and "nproc_per_node" in given)
        or (isinstance(strategy, ast.Constant) and strategy.value in _STRATEGIES)
    )


def _asks(node: ast.AST) -> bool:
    """Whether this reads a launcher's variable: `os.environ["RANK"]`, `os.environ.get("RANK")`, `"RANK" in ...`."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return "environ" in ast.unparse(node.value) and _names(node.slice)
    if isinstance(node, ast.Call):
        function = ast.unparse(node.func)
        return bool(node.args) and function.endswith(("environ.get", "getenv")) and _names(node.args[0])
    return isinstance(node, ast.Compare) and _names(node.left) and "environ" in ast.unparse(node.comparators[0])


def _names(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in _VARIABLES
