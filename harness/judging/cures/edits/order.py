"""Edits of the order of calls: when a run is finished, and that one process has one."""

from __future__ import annotations

import libcst as cst

from harness.judging.cures.edits import tree


def finish_later(text: str) -> str:
    """Leave the end of the run to the end of the script, where the SDK finishes it."""

    def whole(module: cst.Module) -> cst.Module:
        ends = tree.log_calls(module, "finish")
        return tree.edit_lines(
            module,
            lambda line: tree.without_small(line, lambda s: isinstance(s, cst.Expr) and tree.name_of(s.value) in ends),
        )

    return tree.changed(text, whole)


class _Finished(cst.CSTTransformer):
    """Appends a finish to each function that makes a run and never ends it."""

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        block = updated_node.body
        if not isinstance(block, cst.IndentedBlock) or not tree.calls(block, "wandb.init"):
            return updated_node
        if "finish(" in tree.text_of(block) or "return" in tree.text_of(block):
            return updated_node
        done = block.with_changes(body=[*block.body, cst.parse_statement("wandb.finish()")])
        return updated_node.with_changes(body=done)


def finish_before_exit(text: str) -> str:
    """Finish the run before os._exit(), and at the end of the function that made it."""

    def finished(line: tree.Line) -> tree.Line:
        done: list[cst.BaseSmallStatement] = []
        for small in line.body:
            if isinstance(small, cst.Expr) and tree.name_of(small.value) == "os._exit":
                done.append(cst.Expr(tree.expression("wandb.finish()"), semicolon=cst.Semicolon(
                    whitespace_after=cst.SimpleWhitespace(" "))))  # fmt: skip
            done.append(small)
        return line.with_changes(body=done) if len(done) > len(line.body) else line

    def whole(module: cst.Module) -> cst.Module:
        return tree.edit_lines(module, finished).visit(_Finished())

    return tree.changed(text, whole)


def exit_on_sigterm(text: str) -> str:
    """Turn SIGTERM into a normal exit, which finishes the run."""

    def whole(module: cst.Module) -> cst.Module:
        if "SIGTERM" in text:
            return module
        body = tree.importing(module, "signal", "sys").body
        last = max((at for at, s in enumerate(body[:20]) if tree.text_of(s).lstrip().startswith("import ")), default=-1)
        handler = cst.parse_statement("signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))")
        return module.with_changes(body=[*body[: last + 1], handler, *body[last + 1 :]])

    return tree.changed(text, whole)


def clip_gradients(text: str) -> str:
    """Clip the gradients before the step of the one optimizer, where it is made of a model's parameters."""

    def whole(module: cst.Module) -> cst.Module:
        owners = {
            name: tree.text_of(made.args[0].value)
            for node in tree.descend(module)
            for name, made in (tree.assigned(node) if isinstance(node, cst.Assign) else ())
            if isinstance(made, cst.Call) and made.args
            if tree.name_of(made.args[0].value).endswith(".parameters")
        }
        steps = [call for name in owners for call in tree.calls(module, f"{name}.step")]
        if len(owners) != 1 or len(steps) != 1 or "clip_grad" in text:
            return module
        parameters = next(iter(owners.values()))
        clip = cst.parse_statement(f"torch.nn.utils.clip_grad_norm_({parameters}, 1.0)")

        def clipped(line: tree.Line) -> tree.Line | cst.FlattenSentinel[cst.BaseStatement]:
            return cst.FlattenSentinel([clip, line]) if line.body[0].deep_equals(cst.Expr(steps[0])) else line

        done = tree.edit_lines(module, clipped)
        return module if done.deep_equals(module) else tree.importing(done, "torch")

    return tree.changed(text, whole)


def one_init(text: str) -> str:
    """Take the run that is there in place of a second wandb.init()."""

    def whole(module: cst.Module) -> cst.Module:
        found = tree.calls(module, "wandb.init")
        if len(found) < 2:
            return module
        done = module
        for call in found[1:]:
            done = done.with_deep_changes(_holder(done, call), value=tree.expression("wandb.run"))
        return done

    return tree.changed(text, whole)


def _holder(module: cst.Module, call: cst.Call) -> cst.CSTNode:
    return next(n for n in tree.descend(module) if getattr(n, "value", None) is call)
