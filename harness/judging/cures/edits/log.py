"""Edits of what is logged: names, steps, and values."""

from __future__ import annotations

import re
from collections.abc import Callable

import libcst as cst

from harness.judging.cures.edits import tree


class _Renamed(cst.CSTTransformer):
    def __init__(self, old: str, new: str) -> None:
        super().__init__()
        self.old, self.new = old, new

    def leave_SimpleString(self, original_node: cst.SimpleString, updated_node: cst.SimpleString) -> cst.BaseExpression:
        if updated_node.evaluated_value != self.old:
            return updated_node
        quote = updated_node.quote
        return cst.SimpleString(f"{updated_node.prefix}{quote}{self.new}{quote}")

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        found = tree.argument(updated_node, self.old) if tree.name_of(updated_node.func) == "dict" else None
        if found is None or not self.new.isidentifier():
            return updated_node
        return updated_node.with_deep_changes(found, keyword=cst.Name(self.new))


class _Flat(cst.CSTTransformer):
    def __init__(self, outer: str, inner: str, new: str) -> None:
        super().__init__()
        self.outer, self.inner, self.new = outer, inner, new

    def leave_DictElement(self, original_node: cst.DictElement, updated_node: cst.DictElement) -> cst.DictElement:
        within = updated_node.value.elements if isinstance(updated_node.value, cst.Dict) else ()
        one = within[0] if len(within) == 1 else None
        if tree.literal(updated_node.key) != self.outer or not isinstance(one, cst.DictElement):
            return updated_node
        if tree.literal(one.key) != self.inner:
            return updated_node
        return updated_node.with_changes(key=cst.SimpleString(f'"{self.new}"'), value=one.value)


def rename_metric(text: str, *renames: str) -> str:
    """Give metrics (each as `old=new`) the names that are expected, wherever the script has them as texts."""
    for old, _, new in (rename.partition("=") for rename in " ".join(renames).split()):
        done = tree.changed(text, lambda module, o=old, n=new: module.visit(_Renamed(o, n)))  # type: ignore[misc]
        outer, _, inner = old.rpartition(".")
        if done == text and outer:
            done = tree.changed(text, lambda module, o=outer, i=inner, n=new: module.visit(_Flat(o, i, n)))  # type: ignore[misc]
        text = done
    return text


def _in_log(text: str, edit: tree.CallEdit) -> str:
    return tree.changed(text, lambda module: tree.edit_calls(module, tree.log_calls(module), edit))


def drop_step(text: str) -> str:
    """Let the SDK count the steps; a counter of the script's own goes along as a metric to plot against."""

    def without(call: cst.Call) -> cst.Call:
        step = tree.argument(call, "step")
        if step is None:
            return call
        bare = tree.without_argument(call, "step")
        name = step.value.value if isinstance(step.value, cst.Name) else ""
        rows = bare.args[0].value if bare.args and bare.args[0].keyword is None else None
        if not name or rows is None or f'"{name}"' in tree.text_of(rows):
            return bare
        if isinstance(rows, cst.Dict):
            inside = tree.text_of(rows).strip()[1:-1].rstrip().rstrip(",")
            row = f'{{{inside}, "{name}": {name}}}' if inside else f'{{"{name}": {name}}}'
        else:
            row = f'{{**{tree.text_of(rows)}, "{name}": {name}}}'
        return bare.with_deep_changes(bare.args[0], value=tree.expression(row))

    return _in_log(text, without)


def commit_rows(text: str) -> str:
    """Let every call of log() close its row: without commit=False, and without a step that stays the same."""
    return _in_log(text, lambda call: tree.without_argument(call, "commit", "step"))


def commit_constant_rows(text: str) -> str:
    """Let calls of log() close a row of their own where each leaves it open, or gives the same step."""

    def closed(call: cst.Call) -> cst.Call:
        step = tree.argument(call, "step")
        return tree.without_argument(call, "step") if step and tree.literal(step.value) is not None else call

    return _in_log(text, closed)


def as_number(text: str, key: str) -> str:
    """Log a number in place of a text or a tensor."""
    return _in_log(text, lambda call: _with_value(call, key, _number))


def as_mean(text: str, key: str) -> str:
    """Log the mean of a tensor in its place, and a histogram beside its mean."""

    def mean(value: cst.BaseExpression) -> str:
        if not isinstance(value, cst.Call) or tree.name_of(value.func) != "wandb.Histogram":
            simple = isinstance(value, (cst.Name, cst.Attribute, cst.Call, cst.Subscript))
            return f"float({tree.text_of(value)}.mean())" if simple else f"float(({tree.text_of(value)}).mean())"
        one = value.args[0] if len(value.args) == 1 else None
        if one is None or one.keyword or one.star or any(isinstance(n, cst.Call) for n in tree.descend(one)):
            return ""  # to compute something twice may change what the script does
        return f'float(numpy.mean({tree.text_of(one.value)})), "{key}_histogram": {tree.text_of(value)}'

    done = _in_log(text, lambda call: _with_value(call, key, mean))
    return (
        tree.changed(done, lambda module: tree.importing(module, "numpy"))
        if done.count("numpy.mean(") > text.count("numpy.mean(")
        else done
    )


def _with_value(call: cst.Call, key: str, value: Callable[[cst.BaseExpression], str]) -> cst.Call:
    """A call of log() in whose dictionary a key has another value, and what stands behind it; an empty one is none."""
    rows = call.args[0].value if call.args else None
    if not isinstance(rows, cst.Dict):
        return call
    for at, element in enumerate(rows.elements):
        if isinstance(element, cst.DictElement) and tree.literal(element.key) == key and (new := value(element.value)):
            *before, last = cst.ensure_type(
                tree.expression(f"{{{tree.text_of(element.key)}: {new}}}"), cst.Dict
            ).elements
            made = [*rows.elements[:at], *before, last.with_changes(comma=element.comma), *rows.elements[at + 1 :]]
            return call.with_deep_changes(rows, elements=made)
    return call


def _number(value: cst.BaseExpression) -> str:
    inside = _plain(value)
    return f"float({inside})" if inside else ""


def _plain(value: cst.BaseExpression) -> str:
    """The value from which a text was made, or the value itself; empty where there is no number in it."""
    if isinstance(value, cst.FormattedString):
        inside = [part for part in value.parts if isinstance(part, cst.FormattedStringExpression)]
        return tree.text_of(inside[0].expression) if len(inside) == 1 else ""
    if isinstance(value, cst.Call) and tree.name_of(value.func) in ("str", "repr") and len(value.args) == 1:
        return tree.text_of(value.args[0].value)
    if isinstance(value, cst.Call) and tree.name_of(value.func).startswith("wandb."):
        return ""
    if isinstance(value, cst.Name) and value.value == "None":
        return ""
    return tree.text_of(value)


def as_dictionary(text: str, key: str) -> str:
    """Give log() a dictionary."""

    def named(call: cst.Call) -> cst.Call:
        if not call.args or call.args[0].keyword:
            return call
        value = call.args[0].value
        if not isinstance(value, (cst.BinaryOperation, cst.Float, cst.Integer, cst.UnaryOperation, cst.Name)):
            return call
        row = tree.expression(f'{{"{key}": {tree.text_of(value)}}}')
        return call.with_deep_changes(call.args[0], value=row)

    return _in_log(text, named)


def log_where_a_run_is(text: str) -> str:
    """Log only in a process that has a run."""

    def guarded(line: tree.Line) -> tree.Line | cst.If:
        small = line.body[0]
        if len(line.body) != 1 or not isinstance(small, cst.Expr) or tree.name_of(small.value) != "wandb.log":
            return line
        bare = line.with_changes(leading_lines=())
        body = cst.IndentedBlock(body=[bare])
        return cst.If(test=tree.expression("wandb.run is not None"), body=body, leading_lines=line.leading_lines)

    return tree.changed(text, lambda module: tree.edit_lines(module, guarded))


def log_apart(text: str, key: str) -> str:
    """Keep a large value out of the row, and save it as an artifact of that name."""
    name = re.sub(r"\W+", "_", key)

    def apart(line: tree.Line, logs: list[str]) -> tree.Line | cst.FlattenSentinel[cst.BaseStatement]:
        done: list[cst.BaseStatement] = []
        for small in line.body:
            call = small.value if isinstance(small, cst.Expr) else None
            logged = isinstance(call, cst.Call) and tree.name_of(call.func) in logs
            without, value = _without(call, key) if isinstance(call, cst.Call) and logged else (None, None)
            bare = small.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
            if not isinstance(call, cst.Call) or without is None or value is None:
                done.append(cst.SimpleStatementLine(body=[bare]))
                continue
            owner = tree.name_of(call.func).rpartition(".")[0]
            saved = f'with open("{name}.txt", "w") as file:\n    file.write(str({tree.text_of(value)}))\n'
            kept = f'{owner}.log_artifact("{name}.txt", name="{name}", type="dataset")'
            done.append(cst.SimpleStatementLine(body=[bare.with_changes(value=without)]))
            done += [cst.parse_statement(saved), cst.parse_statement(kept)]
        if len(done) == len(line.body):
            return line
        return cst.FlattenSentinel([done[0].with_changes(leading_lines=line.leading_lines), *done[1:]])

    return tree.changed(text, lambda module: tree.edit_lines(module, lambda line: apart(line, tree.log_calls(module))))


def _without(call: cst.Call, key: str) -> tuple[cst.Call | None, cst.BaseExpression | None]:
    """A call of log() whose dictionary lacks a key, and the value that it had; nothing where it is alone there."""
    rows = call.args[0].value if call.args else None
    if not isinstance(rows, cst.Dict) or len(rows.elements) < 2:
        return None, None
    found = [e for e in rows.elements if isinstance(e, cst.DictElement) and tree.literal(e.key) == key]
    if len(found) != 1:
        return None, None
    kept = [element for element in rows.elements if element is not found[0]]
    kept[-1] = kept[-1].with_changes(comma=rows.elements[-1].comma)
    return call.with_deep_changes(rows, elements=kept), found[0].value
