"""Finds calls of wandb, and their arguments, in the syntax tree of a job script."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def module_names(tree: ast.Module) -> frozenset[str]:
    """The names under which the script imports wandb."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import))
    aliases = (alias for node in imports for alias in node.names if alias.name == "wandb")
    return frozenset({"wandb", *(alias.asname or alias.name for alias in aliases)})


def is_call(node: ast.AST, names: frozenset[str], function: str) -> bool:
    """Whether a node calls this function of wandb; `names` are those of the module."""
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute):
        owner = node.func.value
        return node.func.attr == function and isinstance(owner, ast.Name) and owner.id in names
    return function == "Settings" and isinstance(node.func, ast.Name) and node.func.id == function


def argument(node: ast.AST, name: str | None) -> ast.expr | None:
    """The argument of that name, or what stands behind `**` for None; `None` written out is no value."""
    keywords = node.keywords if isinstance(node, ast.Call) else []
    value = next((keyword.value for keyword in keywords if keyword.arg == name), None)
    return None if isinstance(value, ast.Constant) and value.value is None else value


def unconditional(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that no condition guards, but for `if __name__ == "__main__"`."""
    for node in ast.iter_child_nodes(tree):
        main_guard = isinstance(node, ast.If) and "__name__" in ast.dump(node.test)
        if not isinstance(node, (ast.If, ast.IfExp, ast.Try, ast.While, ast.For)) or main_guard:
            yield node
            yield from unconditional(node)


def used(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node but those of functions of the module that nothing in it speaks of."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named = names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    unused = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name not in named)
    left_out = {below for function in unused for below in ast.walk(function)}
    yield from (node for node in ast.walk(tree) if node not in left_out)
