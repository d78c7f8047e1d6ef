"""Edits that log what a script prints: the loss and the accuracy of its progress lines, in a run of its own at need."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

import libcst as cst

from harness.judging.cures.edits import ranks, tree

LABEL = re.compile(
    r"((?:train|val|valid|validation|test|eval)(?:ing|uation)?[ _/])?(loss|acc(?:uracy)?)[^\w{}]*$", re.IGNORECASE
)
"""What stands before a value of which a curve is wanted: `Loss: `, `val acc = `."""
PLAIN = (cst.Name, cst.Attribute, cst.Subscript, cst.Index, cst.BinaryOperation, cst.UnaryOperation, cst.BaseNumber,
         cst.BaseBinaryOp, cst.BaseUnaryOp, cst.LeftParen, cst.RightParen, cst.BaseParenthesizableWhitespace,
         cst.SubscriptElement, cst.LeftSquareBracket, cst.RightSquareBracket, cst.Dot, cst.SimpleString)  # fmt: skip
"""What may be computed twice without doing anything twice."""


def log_printed(text: str, *missing: str) -> str:
    """Log what the script prints as a loss or an accuracy, where the process has a run; of these names, if any."""
    names = " ".join(missing).split()
    return tree.changed(text, lambda module: _logged(module, names))


def begin_run(text: str, project: str = "") -> str:
    """Make a run on rank 0, before the script begins to work, and log what it prints."""
    label = project if project and not project.startswith("<") else "training"
    start = f'wandb.init(project="{label}", mode=None if {ranks.FIRST} else "disabled")'

    def whole(module: cst.Module) -> cst.Module:
        done = _logged(module, ())
        begun = _begun(done, cst.parse_statement(start))
        return module if begun is None or done.deep_equals(module) else tree.importing(begun, "os", "wandb")

    return tree.changed(text, whole)


def _logged(module: cst.Module, missing: Sequence[str]) -> cst.Module:
    done = module.visit(_Printed(missing))
    return module if done.deep_equals(module) else tree.importing(done, "wandb")


class _Printed(cst.CSTTransformer):
    """Puts a call of log() behind lines that print what is wanted; those that follow each other make one row."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__()
        self.missing = missing

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        body = self._lines(updated_node.body)
        return updated_node if len(body) == len(updated_node.body) else updated_node.with_changes(body=body)

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        body = self._lines(updated_node.body)
        return updated_node if len(body) == len(updated_node.body) else updated_node.with_changes(body=body)

    def _lines(self, body: Sequence[cst.BaseStatement]) -> list[cst.BaseStatement]:
        done: list[cst.BaseStatement] = []
        row: dict[str, str] = {}
        for statement in (*body, None):
            found = self._found(statement) if statement is not None else {}
            if row and not (found and _prints_alone(statement)):
                logged = ", ".join(f'"{name}": {value}' for name, value in row.items())
                done.append(cst.parse_statement(f"if wandb.run is not None:\n    wandb.log({{{logged}}})\n"))
                row = {}
            row |= found
            done += [statement] if statement is not None else []
        return done

    def _found(self, statement: cst.BaseStatement) -> Mapping[str, str]:
        if not isinstance(statement, cst.SimpleStatementLine):
            return {}
        last = statement.body[-1]
        if isinstance(last, (cst.Return, cst.Break, cst.Continue, cst.Raise)):
            return {}
        found = {name: value for small in statement.body for name, value in _values(small).items()}
        return {name: value for name, value in found.items() if not self.missing or name in self.missing}


def _prints_alone(statement: cst.BaseStatement | None) -> bool:
    """Whether a line does nothing but print, so that what was printed before it has the same value after it."""
    smalls = statement.body if isinstance(statement, cst.SimpleStatementLine) else ()
    calls = [small.value for small in smalls if isinstance(small, cst.Expr)]
    return len(calls) == len(smalls) and all(tree.name_of(call) == "print" for call in calls)


def _values(small: cst.BaseSmallStatement) -> Mapping[str, str]:
    """What one print shows as a loss or an accuracy, by the name that W&B should give it."""
    call = small.value if isinstance(small, cst.Expr) else None
    if not isinstance(call, cst.Call) or tree.name_of(call.func) != "print":
        return {}
    found: dict[str, str] = {}
    for arg in call.args:
        parts = arg.value.parts if isinstance(arg.value, cst.FormattedString) else ()
        for words, shown in pairwise(parts):
            told = LABEL.search(words.value) if isinstance(words, cst.FormattedStringText) else None
            if told and isinstance(shown, cst.FormattedStringExpression) and _is_plain(shown.expression):
                found.setdefault(_name(told), tree.text_of(shown.expression))
    return found


def _name(told: re.Match[str]) -> str:
    kind = "loss" if told[2].lower() == "loss" else "acc"
    return f"{told[1][:-1].lower()}_{kind}" if told[1] else kind


def _is_plain(node: cst.BaseExpression) -> bool:
    """Whether it holds nothing but names, numbers and `.item()`."""
    for one in tree.descend(node):
        if isinstance(one, cst.Call):
            if one.args or not isinstance(one.func, cst.Attribute) or one.func.attr.value != "item":
                return False
        elif isinstance(one, cst.BaseExpression) and not isinstance(one, PLAIN):
            return False
    return True


def _begun(module: cst.Module, start: cst.BaseStatement) -> cst.Module | None:
    """The run at the beginning of the main block, else before the first loop or call of a function of the script's."""
    own = {statement.name.value for statement in module.body if isinstance(statement, cst.FunctionDef)}
    for at, statement in enumerate(module.body):
        if isinstance(statement, cst.If) and "__name__" in tree.text_of(statement.test):
            block = statement.body
            return module.with_deep_changes(block, body=[start, *block.body])
        if isinstance(statement, (cst.FunctionDef, cst.ClassDef)):
            continue
        if isinstance(statement, (cst.For, cst.While, cst.With)) or tree.calls(statement, *own):
            return module.with_changes(body=[*module.body[:at], start, *module.body[at:]])
    return None
