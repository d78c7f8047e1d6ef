"""An edit of what reads runs back with wandb.Api(): a read that fails does not end the training."""

from collections.abc import Sequence

import libcst as cst

from harness.judging.cures.edits import tree

_RAISED = "(wandb.errors.Error, ValueError)"
"""What the SDK raises in every version where it finds no such run or project."""


def survive_reading(text: str) -> str:
    """Catch the error of the one place that reads runs back, with all that works on what it read."""

    def whole(module: cst.Module) -> cst.Module:
        places = [block for block in tree.descend(module) if isinstance(block, (cst.Module, cst.IndentedBlock))
                  if any(_reads(statement, module) for statement in _split(block.body))]  # fmt: skip
        if len(places) != 1 or any(isinstance(n, cst.Try) and _within(n, places[0]) for n in tree.descend(module)):
            return module
        block = places[0]
        body = _caught(_split(block.body), module)
        return module if body is None else _with_body(module, block, body)

    return tree.changed(text, whole)


def _split(body: Sequence[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """The statements, each on a line of its own where one of the line reads."""
    done: list[cst.BaseStatement] = []
    for statement in body:
        if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) > 1 and "wandb.Api" in tree.text_of(
            statement
        ):  # fmt: skip
            bare = [small.with_changes(semicolon=cst.MaybeSentinel.DEFAULT) for small in statement.body]
            first = statement.with_changes(body=[bare[0]])
            done += [first, *(cst.SimpleStatementLine(body=[small]) for small in bare[1:])]
        else:
            done.append(statement)
    return done


def _reads(statement: cst.BaseStatement, module: cst.Module) -> bool:
    """Whether a simple statement asks the API for something."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    made = (pair for node in tree.descend(module) if isinstance(node, cst.Assign) for pair in tree.assigned(node))
    apis = {name for name, value in made if isinstance(value, cst.Call) and tree.name_of(value) == "wandb.Api"}
    calls = [node for node in tree.descend(statement) if isinstance(node, cst.Call)]
    asked = [call.func.value for call in calls if isinstance(call.func, cst.Attribute)]
    return any(tree.name_of(owner) in {"wandb.Api", *apis} for owner in asked)


def _caught(body: Sequence[cst.BaseStatement], module: cst.Module) -> list[cst.BaseStatement] | None:
    """The body with its reading inside a `try`; None where what it reads is used further away."""
    first = next(at for at, statement in enumerate(body) if _reads(statement, module))
    last = first
    names = _assigned(body[first])
    # What is set between the read and the last use of it may be missing later as well.
    while users := [at for at in range(last + 1, len(body)) if names & _used(body[at])]:
        last = users[-1]
        names = set().union(*map(_assigned, body[first : last + 1]))
    inside = body[first : last + 1]
    elsewhere = sum(_count(statement, names) for statement in inside)
    if elsewhere != _count(module, names) or any(_leaves(statement) for statement in inside):
        return None
    handler = cst.parse_statement(f"try:\n    pass\nexcept {_RAISED} as error:\n    print(f'wandb.Api(): {{error}}')\n")
    assert isinstance(handler, cst.Try)  # noqa: S101 - parsed from these very words
    return [*body[:first], handler.with_changes(body=cst.IndentedBlock(body=inside)), *body[last + 1 :]]


def _assigned(statement: cst.BaseStatement) -> set[str]:
    return {name for node in tree.descend(statement) if isinstance(node, cst.Assign) for name, _ in tree.assigned(node)}


def _used(node: cst.CSTNode) -> set[str]:
    return {one.value for one in tree.descend(node) if isinstance(one, cst.Name)}


def _count(node: cst.CSTNode, names: set[str]) -> int:
    return sum(isinstance(one, cst.Name) and one.value in names for one in tree.descend(node))


def _leaves(statement: cst.BaseStatement) -> bool:
    return any(isinstance(one, (cst.Return, cst.Yield)) for one in tree.descend(statement))


def _within(node: cst.CSTNode, block: cst.CSTNode) -> bool:
    return any(one is block for one in tree.descend(node))


def _with_body(module: cst.Module, block: cst.CSTNode, body: Sequence[cst.BaseStatement]) -> cst.Module:
    return module.with_changes(body=body) if block is module else module.with_deep_changes(block, body=body)
