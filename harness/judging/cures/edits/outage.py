"""Edits that let a training go on without its server: a limit to each wait, and a run that is offline at need."""

import libcst as cst

from harness.judging.cures.edits import tree

_LATER = "wandb.teardown()"
"""Without it the id of the failed run counts as in use."""


def with_setting(text: str, name: str, value: str) -> str:
    """Give a setting at most this value: in wandb.Settings() where the script has that, else in wandb.init()."""

    def limited(call: cst.Call) -> cst.Call:
        found = tree.argument(call, name)
        there = tree.literal(found.value) if found else None
        low = isinstance(there, int) and there <= int(value)
        return call if low else tree.with_argument(call, name, tree.expression(value))

    def whole(module: cst.Module) -> cst.Module:
        settings = tree.expression(f"wandb.Settings({name}={value})")

        def added(call: cst.Call) -> cst.Call:
            return call if tree.may_hold(module, call, "settings") else tree.with_argument(call, "settings", settings)

        return tree.edit_calls(tree.edit_calls(module, ["wandb.Settings"], limited), ["wandb.init"], added)

    return tree.changed(text, whole)


class _Offline(cst.CSTTransformer):
    """Puts a second wandb.init() behind each that may fail."""

    def __init__(self, module: cst.Module) -> None:
        super().__init__()
        self.module = module
        self.within = 0

    def visit_Try(self, node: cst.Try) -> None:
        self.within += 1

    def leave_Try(self, original_node: cst.Try, updated_node: cst.Try) -> cst.Try:
        self.within -= 1
        return updated_node

    def leave_SimpleStatementLine(
        self, original_node: tree.Line, updated_node: tree.Line
    ) -> "tree.Line | cst.FlattenSentinel[cst.BaseStatement]":
        small = updated_node.body[0]
        call = getattr(small, "value", None)
        alone = len(updated_node.body) == 1 and isinstance(small, (cst.Assign, cst.Expr))
        if not alone or not self._may_fail(call):
            return updated_node
        offline = updated_node.with_deep_changes(small, value=_offline(call))
        return cst.FlattenSentinel([_tried(updated_node, offline.with_changes(leading_lines=[]))])

    def leave_With(
        self, original_node: cst.With, updated_node: cst.With
    ) -> "cst.With | cst.FlattenSentinel[cst.BaseStatement]":
        item = updated_node.items[0]
        name = item.asname.name if item.asname else None
        if len(updated_node.items) != 1 or not isinstance(name, cst.Name) or not self._may_fail(item.item):
            return updated_node
        first, second = (
            tree.Line(body=[cst.Assign(targets=[cst.AssignTarget(name)], value=call)])
            for call in (item.item, _offline(item.item))
        )
        bare = item.with_changes(item=cst.Name(name.value), asname=None)
        rest = updated_node.with_changes(items=[bare], leading_lines=[])
        return cst.FlattenSentinel([_tried(first.with_changes(leading_lines=updated_node.leading_lines), second), rest])

    def _may_fail(self, call: object) -> bool:
        if self.within or not isinstance(call, cst.Call) or tree.name_of(call.func) != "wandb.init":
            return False
        return tree.argument(call, "mode") is not None or not tree.may_hold(self.module, call, "mode")


def _offline(call: object) -> cst.Call:
    assert isinstance(call, cst.Call)  # noqa: S101 - told by _may_fail
    return tree.with_argument(call, "mode", tree.expression('"offline"'))


def _tried(line: tree.Line, otherwise: tree.Line) -> cst.Try:
    """Try a line, and another one where the server does not answer."""
    handler = cst.ExceptHandler(
        type=tree.expression("wandb.errors.CommError"),
        body=cst.IndentedBlock(body=[cst.parse_statement(_LATER), otherwise]),
    )
    return cst.Try(
        leading_lines=line.leading_lines,
        body=cst.IndentedBlock(body=[line.with_changes(leading_lines=[])]),
        handlers=[handler],
    )


def offline_at_need(text: str, patience_s: str) -> str:
    """Begin the run offline where the server does not answer within a time; `wandb sync` brings it later."""
    changed = tree.changed(text, lambda module: module.visit(_Offline(module)))
    return text if changed == text else with_setting(changed, "init_timeout", patience_s)


class _NotDisabled(cst.CSTTransformer):
    def leave_ExceptHandler(
        self, original_node: cst.ExceptHandler, updated_node: cst.ExceptHandler
    ) -> cst.ExceptHandler:
        def offline(call: cst.Call) -> cst.Call:
            mode = tree.argument(call, "mode")
            return _offline(call) if mode and tree.literal(mode.value) == "disabled" else call

        class Calls(cst.CSTTransformer):
            def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
                return offline(updated_node) if tree.name_of(original_node.func) == "wandb.init" else updated_node

        changed = updated_node.visit(Calls())
        assert isinstance(changed, cst.ExceptHandler)  # noqa: S101 - Calls changes calls alone
        return changed


def offline_for_disabled(text: str) -> str:
    """Where a script goes on with a disabled run after an error, let that run be offline."""
    return tree.changed(text, lambda module: module.visit(_NotDisabled()))


def _logged(module: cst.Module, logs: list[str]) -> set[str]:
    """Names of artifacts that are logged, and of what log_artifact() gave back."""
    found = {tree.name_of(call.args[0].value) for call in tree.calls(module, *logs) if call.args}
    for node in tree.descend(module):
        if isinstance(node, cst.Assign) and tree.name_of(node.value) in logs:
            found |= {tree.name_of(target.target) for target in node.targets}
    return found - {""}


def without_wait(text: str) -> str:
    """Leave out waits for an artifact that was logged: the SDK uploads it in the background, and finish() waits."""

    def whole(module: cst.Module) -> cst.Module:
        logs = tree.log_calls(module, "log_artifact")
        logged = _logged(module, logs)

        def waited(small: cst.BaseSmallStatement) -> cst.BaseSmallStatement | None:
            """The statement without its wait; None where nothing else is in it."""
            call = small.value if isinstance(small, cst.Expr) else None
            if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
                return small
            if call.func.attr.value != "wait" or not isinstance(small, cst.Expr):
                return small
            if isinstance(call.func.value, cst.Call) and tree.name_of(call.func.value.func) in logs:
                return small.with_changes(value=call.func.value)
            return None if tree.name_of(call.func.value) in logged else small

        def edit(line: tree.Line) -> "tree.Line | cst.RemovalSentinel":
            changed = [waited(small) or small for small in line.body]
            same = all(new is old for new, old in zip(changed, line.body, strict=True))
            return tree.without_small(
                line if same else line.with_changes(body=changed), lambda s: waited(s) is None
            )  # fmt: skip

        return tree.edit_lines(module, edit)

    return tree.changed(text, whole)
