"""Small wrong changes to a module: where they can be made, and the module with one of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip


NOT_RUN = ("annotation", "returns", "decorator_list")


@dataclass(frozen=True)
class Mutant:
    """A module with a change at one of its places."""

    path: Path
    place: int
    line: int
    text: str
    """What is changed and into what, as Python."""
    lines: range
    """The lines that run when the place is reached."""
    in_function: bool
    """Whether the place runs when something is called, not already when the module is imported."""

    def code(self) -> CodeType:
        """The module with the change, compiled."""
        tree = ast.parse(self.path.read_text())
        change(places(tree)[self.place].node)
        return compile(ast.fix_missing_locations(tree), str(self.path), "exec")


@dataclass(frozen=True)
class Place:
    """A node that can be changed, and where it stands."""

    node: ast.AST
    shown: ast.AST
    """The expression that makes the change readable: of a number, the one that it is part of."""
    statement: ast.stmt
    in_function: bool


def mutants(path: Path) -> list[Mutant]:
    """Every mutant of a module."""
    found = []
    for number, place in enumerate(places(ast.parse(path.read_text()))):
        copies: dict[int, ast.AST] = {}
        after = deepcopy(place.shown, copies)
        change(copies[id(place.node)])
        line = getattr(place.node, "lineno", place.statement.lineno)
        lines = range(place.statement.lineno, _last_line(place.statement) + 1)
        text = f"{_words(place.shown)}  →  {_words(after)}"
        found.append(Mutant(path, number, line, text, lines, place.in_function))
    return found


def places(tree: ast.Module) -> list[Place]:
    """The nodes that can be changed, in the order of the text."""
    return [place for statement in tree.body for place in _code(Place(statement, statement, statement, False))]


def _code(place: Place) -> Iterator[Place]:
    """Every place that runs: no annotation, no decorator, nothing for the type checker alone.

    Left alone: a number that a module names, since a limit or a patience of one more or less is no wrong answer; how
    strict a data class is about its fields.
    """
    node = place.node
    if _only_a_number(place) or _for_the_type_checker(node) or _strictness(node):
        return
    if _changeable(node):
        yield place
    is_function = isinstance(node, (ast.FunctionDef, ast.Lambda))
    for name, value in ast.iter_fields(node):
        if name in NOT_RUN or (name == "keywords" and isinstance(node, ast.ClassDef)):
            continue
        inside = place.in_function or (is_function and name == "body")
        for index, child in enumerate(value if isinstance(value, list) else (value,)):
            if isinstance(child, ast.AST):
                statement = child if isinstance(child, ast.stmt) else place.statement
                yield from _code(Place(child, _shown(place, child, index), statement, inside))


def _shown(parent: Place, node: ast.AST, index: int) -> ast.AST:
    if not isinstance(node, (ast.Constant, ast.Slice)):
        return node
    if isinstance(parent.node, ast.Dict):
        return ast.Dict([parent.node.keys[index]], [parent.node.values[index]])
    whole = isinstance(parent.node, (ast.expr, ast.AnnAssign)) and not isinstance(parent.node, ast.Slice)
    return parent.node if whole else parent.shown


def _only_a_number(place: Place) -> bool:
    node = place.node
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and not place.in_function


def _strictness(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "model_config"


def _words(node: ast.AST) -> str:
    text = f"if {ast.unparse(node.test)}" if isinstance(node, ast.If) else ast.unparse(node)
    return " ".join(text.split())


def _for_the_type_checker(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _last_line(statement: ast.stmt) -> int:
    """The last line that runs with the statement itself: of a block, only its head."""
    body = getattr(statement, "body", None)
    first = body[0].lineno - 1 if body else statement.end_lineno
    return max(statement.lineno, first or 0)


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
