"""Small wrong changes to a module: where they can be made, and the module with one of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """The module with the change at one of its places."""

    path: Path
    place: int

    def make(self) -> tuple[CodeType, str]:
        """Compile it; returns what was changed in words, too."""
        tree = ast.parse(self.path.read_text())
        node = places(tree)[self.place]
        before = ast.unparse(node).splitlines()[0]
        change(node)
        after = ast.unparse(node).splitlines()[0]
        line = getattr(node, "lineno", 0)
        return compile(ast.fix_missing_locations(tree), str(self.path), "exec"), f"{line}: {before}  →  {after}"


def mutants(path: Path) -> list[Mutant]:
    """Every mutant of a module."""
    return [Mutant(path, place) for place in range(len(places(ast.parse(path.read_text()))))]


def places(tree: ast.Module) -> list[ast.AST]:
    """The nodes that can be changed, in the order of the text."""
    return [node for node in _code(tree) if _changeable(node)]


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: no annotation, no decorator, nothing for the type checker alone.

    A number that a module names is left alone: a limit or a patience of one more or less is no wrong answer.
    """
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
                continue
            if isinstance(node, ast.Module) and isinstance(child, ast.Assign) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.AST):
                yield from _code(child)


def _changeable(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in SWAPS
    if isinstance(node, (ast.BoolOp, ast.BinOp)):
        return type(node.op) in SWAPS
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (bool, int, float))
    if isinstance(node, ast.Return):
        return node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None)
    return isinstance(node, (ast.If, ast.IfExp))


def change(node: ast.AST) -> None:
    """Make the change in place."""
    if isinstance(node, ast.Compare):
        node.ops[0] = SWAPS[type(node.ops[0])]()
    elif isinstance(node, (ast.BoolOp, ast.BinOp)):
        node.op = SWAPS[type(node.op)]()
    elif isinstance(node, ast.Constant):
        node.value = not node.value if isinstance(node.value, bool) else node.value + 1
    elif isinstance(node, ast.Return):
        node.value = ast.Constant(None)
    elif isinstance(node, ast.IfExp):
        node.body, node.orelse = node.orelse, node.body
    elif isinstance(node, ast.If):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.UnaryOp):
        operand = node.operand
        node.__class__ = ast.BoolOp
        node.op, node.values = ast.And(), [operand, operand]
