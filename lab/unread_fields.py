"""Lists the fields of evidence that no rule, check or report reads: `python -m lab.unread_fields`.

A field counts as read where some module after the gathering names it as an attribute; names that several models share
are read as soon as one of them is.
"""

from __future__ import annotations

import ast
import sys
import typing
from collections.abc import Iterator

from pydantic import BaseModel

from harness.evidence.models import Evidence
from tests.repository import REPOSITORY

READERS = (
    "judging", "report", "checking", "commands", "plugin.py", "evidence/own_runs.py", "evidence/server/unshown.py",
    "evidence/models", "evidence/setup/credentials.py",
)  # fmt: skip


KEPT = {"Evidence.schema_version", "ProcessSeen.task"}
"""What whoever loads the evidence elsewhere reads."""


def models(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """This model and all that its fields hold."""
    if model not in seen:
        seen.add(model)
        for field in model.model_fields.values():
            for inner in _inside(field.annotation):
                models(inner, seen)
    return seen


def _inside(annotation: typing.Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _inside(argument)


def names_read() -> set[str]:
    """Every attribute that a reader names, and every word in its texts: templates name fields too."""
    found: set[str] = set()
    for reader in READERS:
        root = REPOSITORY / "harness" / reader
        for path in [root] if root.is_file() else sorted(root.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute):
                    found.add(node.attr)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                    found.add(node.value)
    return found


def unread() -> list[str]:
    """Fields that nobody reads, as `Model.field`."""
    read = names_read()
    every = sorted(models(Evidence, set()), key=lambda model: model.__name__)
    fields = [f"{model.__name__}.{name}" for model in every for name in model.model_fields if name not in read]
    return [field for field in fields if field not in KEPT]


if __name__ == "__main__":
    fields = sum(len(model.model_fields) for model in models(Evidence, set()))
    sys.stdout.write("\n".join([*unread(), f"{len(unread())} of {fields} fields are read by nobody", ""]))
