"""What the edits share: parsing a script, naming its calls, and changing calls or statements one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import libcst as cst
from libcst.helpers import get_full_name_for_node

CallEdit = Callable[[cst.Call], cst.BaseExpression]
Line = cst.SimpleStatementLine
LineEdit = Callable[[Line], "Line | cst.If | cst.RemovalSentinel | cst.FlattenSentinel[cst.BaseStatement]"]


def parsed(text: str) -> cst.Module | None:
    """The tree of a Python script; None for anything else."""
    try:
        return cst.parse_module(text)
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError):
        return None


def changed(text: str, edit: Callable[[cst.Module], cst.Module]) -> str:
    """The script after an edit of its tree; as it was where it is no Python, or would be none."""
    module = parsed(text)
    try:
        done = text if module is None else edit(module).code
    except (cst.ParserSyntaxError, cst.CSTValidationError):
        return text
    return done if parsed(done) else text


def name_of(node: cst.CSTNode) -> str:
    """The dotted name of a name, an attribute or a call; empty for anything else."""
    return get_full_name_for_node(node) or ""


def descend(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and all below it, in the order of the text."""
    yield node
    for child in node.children:
        yield from descend(child)


def calls(node: cst.CSTNode, *names: str) -> list[cst.Call]:
    """Calls of these functions below a node."""
    return [n for n in descend(node) if isinstance(n, cst.Call) and name_of(n.func) in names]


def expression(code: str) -> cst.BaseExpression:
    """An expression from its text."""
    return cst.parse_expression(code)


def text_of(node: cst.CSTNode) -> str:
    """The text of a node."""
    return cst.Module(body=[]).code_for_node(node)


def literal(node: cst.BaseExpression | None) -> object:
    """The value of a literal; None for anything else."""
    if isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
        return node.evaluated_value
    if isinstance(node, cst.Integer):
        return node.evaluated_value
    return None


def argument(call: cst.Call, keyword: str) -> cst.Arg | None:
    """The argument of that keyword."""
    return next((a for a in call.args if a.keyword and a.keyword.value == keyword), None)


def may_hold(module: cst.Module, call: cst.Call, keyword: str) -> bool:
    """Whether a call is given an argument, or may be by an `**options` that cannot be read."""
    unread = (_keys_of(module, arg.value) for arg in call.args if arg.star == "**")
    return argument(call, keyword) is not None or any(keys is None or keyword in keys for keys in unread)


def _keys_of(module: cst.Module, value: cst.BaseExpression) -> set[object] | None:
    """The keys of a dictionary, also by the name that it is given once; None where they are not sure."""
    if isinstance(value, cst.Name):
        nodes = list(descend(module))
        given = [
            node.value for node in nodes if isinstance(node, cst.Assign)
            and any(name_of(target.target) == value.value for target in node.targets)
        ]  # fmt: skip
        changed = any(isinstance(n, (cst.Subscript, cst.Attribute)) and name_of(n.value) == value.value for n in nodes)
        return None if len(given) != 1 or changed or isinstance(given[0], cst.Name) else _keys_of(module, given[0])
    if isinstance(value, cst.Dict):
        keys = {literal(e.key) if isinstance(e, cst.DictElement) else None for e in value.elements}
        return None if None in keys else keys
    if isinstance(value, cst.Call) and name_of(value.func) == "dict" and all(arg.keyword for arg in value.args):
        return {arg.keyword.value for arg in value.args if arg.keyword}
    return None


def without_argument(call: cst.Call, *keywords: str) -> cst.Call:
    """A call without these keywords."""
    kept = [a for a in call.args if not (a.keyword and a.keyword.value in keywords)]
    if len(kept) == len(call.args):
        return call
    if kept and kept[-1] is not call.args[-1]:
        kept[-1] = kept[-1].with_changes(comma=_ending(kept[-1].comma, call.args[-1].comma))
    return call.with_changes(args=kept)


def _ending(comma: cst.Comma | cst.MaybeSentinel, last: cst.Comma | cst.MaybeSentinel) -> cst.Comma | cst.MaybeSentinel:
    """A comma, with the comment behind it, in the place of the last one."""
    if not isinstance(comma, cst.Comma) or not isinstance(last, cst.Comma):
        return last
    return _leading_to(comma, last.whitespace_after)


def _leading_to(comma: cst.Comma, like: cst.BaseParenthesizableWhitespace) -> cst.Comma:
    """A comma, with the comment behind it, that leads to the column to which the other whitespace leads."""
    own = comma.whitespace_after
    if not isinstance(own, cst.ParenthesizedWhitespace) or not isinstance(like, cst.ParenthesizedWhitespace):
        return comma.with_changes(whitespace_after=like)
    return comma.with_changes(whitespace_after=own.with_changes(last_line=like.last_line, indent=like.indent))


def with_argument(call: cst.Call, keyword: str, value: cst.BaseExpression) -> cst.Call:
    """A call whose keyword has this value; added behind the others where it is not there."""
    if found := argument(call, keyword):
        return call.with_deep_changes(found, value=value)
    bare = cst.AssignEqual(whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace(""))
    added = cst.Arg(value, keyword=cst.Name(keyword), equal=bare)
    args = list(call.args)
    if args and isinstance(args[-1].comma, cst.MaybeSentinel):
        args[-1] = args[-1].with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
    elif args:
        last = cast("cst.Comma", args[-1].comma)
        if isinstance(last.whitespace_after, cst.ParenthesizedWhitespace):  # one argument to a line
            before = (
                cast("cst.Comma", args[-2].comma).whitespace_after if len(args) > 1 else call.whitespace_before_args
            )
            bare_end = last.whitespace_after.with_changes(first_line=cst.TrailingWhitespace())
            added = added.with_changes(comma=last.with_changes(whitespace_after=bare_end))
            args[-1] = args[-1].with_changes(comma=_leading_to(last, before))
        elif not text_of(last.whitespace_after):
            args[-1] = args[-1].with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
    return call.with_changes(args=[*args, added])


class _Calls(cst.CSTTransformer):
    def __init__(self, names: Sequence[str], edit: CallEdit) -> None:
        super().__init__()
        self.names, self.edit = names, edit

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        return self.edit(updated_node) if name_of(original_node.func) in self.names else updated_node


def edit_calls(module: cst.Module, names: Sequence[str], edit: CallEdit) -> cst.Module:
    """Change every call of these functions."""
    return module.visit(_Calls(names, edit))


class _Lines(cst.CSTTransformer):
    def __init__(self, edit: LineEdit) -> None:
        super().__init__()
        self.edit = edit

    def leave_SimpleStatementLine(
        self, original_node: Line, updated_node: Line
    ) -> Line | cst.If | cst.RemovalSentinel | cst.FlattenSentinel[cst.BaseStatement]:
        return self.edit(updated_node) if original_node.deep_equals(updated_node) else updated_node

    def leave_SimpleStatementSuite(
        self, original_node: cst.SimpleStatementSuite, updated_node: cst.SimpleStatementSuite
    ) -> cst.BaseSuite:
        line = Line(body=updated_node.body)
        edited = self.edit(line)
        if edited is line:
            return updated_node
        if isinstance(edited, cst.RemovalSentinel):
            return cst.IndentedBlock(body=[cst.parse_statement("pass")])
        nodes = edited.nodes if isinstance(edited, cst.FlattenSentinel) else [edited]
        return cst.IndentedBlock(body=list(nodes))

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        if original_node.body and not updated_node.body:
            return updated_node.with_changes(body=[cst.parse_statement("pass")])
        return updated_node


def edit_lines(module: cst.Module, edit: LineEdit) -> cst.Module:
    """Change, split or remove simple statements line by line; a block that loses its last one passes."""
    return module.visit(_Lines(edit))


def without_small(line: Line, drop: Callable[[cst.BaseSmallStatement], bool]) -> Line | cst.RemovalSentinel:
    """A line without those of its statements; none where nothing is left."""
    kept = [small for small in line.body if not drop(small)]
    if len(kept) == len(line.body):
        return line
    if not kept:
        return cst.RemoveFromParent()
    kept[-1] = kept[-1].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
    return line.with_changes(body=kept)


def importing(module: cst.Module, *names: str) -> cst.Module:
    """The script with these modules imported at its top."""
    wanted = [name for name in names if not _imports(module, name)]
    if not wanted:
        return module
    at = 0
    for at, statement in enumerate(module.body):
        if not _must_come_first(statement, first=at == 0):
            break
    body = list(module.body)
    body[at:at] = [cst.parse_statement(f"import {name}") for name in wanted]
    return module.with_changes(body=body)


def _must_come_first(statement: cst.CSTNode, *, first: bool) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    small = statement.body[0]
    docstring = first and isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString)
    return docstring or (isinstance(small, cst.ImportFrom) and name_of(small.module or cst.Name("x")) == "__future__")


def _imports(module: cst.Module, name: str) -> bool:
    for statement in module.body:
        for small in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if isinstance(small, cst.Import) and any(name_of(a.name) == name and a.asname is None for a in small.names):
                return True
    return False


def assigned(node: cst.Assign) -> Iterator[tuple[str, cst.BaseExpression]]:
    """Each name and its value; of a tuple on both sides the pairs."""
    for target in (t.target for t in node.targets):
        if isinstance(target, cst.Tuple) and isinstance(node.value, cst.Tuple):
            pairs = zip(target.elements, node.value.elements, strict=False)
            yield from ((text_of(name.value), value.value) for name, value in pairs)
        else:
            yield text_of(target), node.value


def run_names(module: cst.Module) -> frozenset[str]:
    """Names under which the script knows a run, `wandb` itself among them."""
    found = {"wandb", "run", "wandb.run", "wandb_run", "self.run"}
    for node in descend(module):
        if isinstance(node, cst.Assign):
            found |= {name for name, value in assigned(node) if calls(value, "wandb.init")}
        elif isinstance(node, cst.WithItem) and calls(node.item, "wandb.init") and node.asname:
            found.add(name_of(node.asname.name))
    return frozenset(found - {""})


def log_calls(module: cst.Module, method: str = "log") -> list[str]:
    """Dotted names of the calls that log, or of another method of a run."""
    return [f"{name}.{method}" for name in run_names(module)]
