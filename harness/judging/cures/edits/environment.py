"""Edits of what a script does to its environment: variables that it sets or drops, logins, the process group."""

import libcst as cst

from harness.judging.cures.edits import tree


def _names(small: cst.BaseSmallStatement) -> list[str]:
    """Variables of the environment that a statement sets or drops."""
    found: list[cst.BaseExpression] = []
    if isinstance(small, cst.Assign):
        found = [t.target for t in small.targets]
    elif isinstance(small, cst.Del):
        found = [small.target]
    elif isinstance(small, cst.Expr) and isinstance(small.value, cst.Call):
        call, name = small.value, tree.name_of(small.value.func)
        if name in ("os.environ.pop", "os.environ.setdefault", "os.putenv", "os.unsetenv") and call.args:
            return [str(tree.literal(call.args[0].value))]
        if name == "os.environ.update" and call.args and all(a.keyword for a in call.args):
            return [a.keyword.value for a in call.args if a.keyword]
    keys = []
    for target in found:
        if isinstance(target, cst.Subscript) and tree.name_of(target.value) == "os.environ":
            index = target.slice[0].slice
            keys.append(str(tree.literal(index.value)) if isinstance(index, cst.Index) else "")
        else:
            return []
    return keys


def forget_variable(text: str, *names: str) -> str:
    """Leave variables as the environment has them: take away what sets or drops them."""

    def whole(module: cst.Module) -> cst.Module:
        def drop(small: cst.BaseSmallStatement) -> bool:
            found = _names(small)
            return bool(found) and set(found) <= set(names)

        return tree.edit_lines(module, lambda line: tree.without_small(line, drop))

    return tree.changed(text, whole)


def strip_variable(text: str, name: str) -> str:
    """Take the whitespace off a value that the script puts into a variable."""

    def stripped(line: tree.Line) -> tree.Line:
        done = []
        for small in line.body:
            one = small
            if isinstance(small, cst.Assign) and _names(small) == [name]:
                code = tree.text_of(small.value)
                bare = isinstance(small.value, (cst.Name, cst.Attribute, cst.Call, cst.Subscript))
                value = tree.expression(f"{code if bare else f'({code})'}.strip()")
                one = small.with_changes(value=value)
            done.append(one)
        return line.with_changes(body=done) if _names_any(line, name) else line

    return tree.changed(text, lambda module: tree.edit_lines(module, stripped))


def _names_any(line: tree.Line, name: str) -> bool:
    return any(isinstance(small, cst.Assign) and _names(small) == [name] for small in line.body)


def login_without_key(text: str) -> str:
    """Let wandb.login() find the key itself; it is neither in the script nor passed on by it."""
    done = forget_variable(text, "WANDB_API_KEY")
    return tree.changed(
        done, lambda module: tree.edit_calls(module, ["wandb.login"], lambda c: tree.without_argument(c, "key"))
    )


def variables_before_wandb(text: str) -> str:
    """Leave out W&B's variables that the script sets: they come too late."""

    def ours(small: cst.BaseSmallStatement) -> bool:
        found = _names(small)
        return bool(found) and all(name.startswith("WANDB_") for name in found)

    return tree.changed(text, lambda module: tree.edit_lines(module, lambda line: tree.without_small(line, ours)))


def without_limits(text: str) -> str:
    """Leave out a limit of the address space that the script sets itself."""

    def limits(small: cst.BaseSmallStatement) -> bool:
        call = small.value if isinstance(small, cst.Expr) else None
        if not isinstance(call, cst.Call) or tree.name_of(call.func) not in ("resource.setrlimit", "setrlimit"):
            return False
        return bool(call.args) and tree.name_of(call.args[0].value).rpartition(".")[2] in ("RLIMIT_AS", "RLIMIT_DATA")

    return tree.changed(text, lambda module: tree.edit_lines(module, lambda line: tree.without_small(line, limits)))


def default_group(text: str) -> str:
    """Take the GPU where there is one, and the CPU elsewhere."""
    device = '"cuda" if torch.cuda.is_available() else "cpu"'

    def backend(call: cst.Call) -> cst.Call:
        first = call.args[0] if call.args and not call.args[0].keyword else tree.argument(call, "backend")
        if first is None or tree.literal(first.value) != "nccl":
            return call
        return call.with_deep_changes(first, value=tree.expression('"nccl" if torch.cuda.is_available() else "gloo"'))

    class _OnTheGpu(cst.CSTTransformer):
        def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
            called = updated_node.func
            if isinstance(called, cst.Attribute) and called.attr.value == "cuda" and not updated_node.args:
                return updated_node.with_changes(
                    func=called.with_changes(attr=cst.Name("to")), args=[cst.Arg(tree.expression(device))]
                )
            return updated_node

    def whole(module: cst.Module) -> cst.Module:
        groups = ("dist.init_process_group", "torch.distributed.init_process_group", "init_process_group")
        done = tree.edit_calls(module, groups, backend).visit(_OnTheGpu())
        return module if done.deep_equals(module) else tree.importing(done, "torch")

    return tree.changed(text, whole)


def on_gpu(text: str) -> str:
    """Give each rank its own GPU in the one place where the script chooses the CPU for all that it does."""
    local = "int(os.environ.get('LOCAL_RANK', os.environ.get('SLURM_LOCALID', 0)))"
    gpu = tree.expression(f'f"cuda:{{{local} % max(torch.cuda.device_count(), 1)}}"')
    chosen: list[cst.CSTNode] = []

    def is_cpu(value: cst.BaseExpression) -> bool:
        named = isinstance(value, cst.Call) and tree.name_of(value.func) == "torch.device" and len(value.args) == 1
        return tree.literal(value.args[0].value if named and isinstance(value, cst.Call) else value) == "cpu"

    def moved(line: tree.Line) -> tree.Line:
        small = line.body[0]
        if len(line.body) != 1 or not isinstance(small, cst.Assign) or not is_cpu(small.value):
            return line
        if not tree.text_of(small.targets[0].target).lower().endswith("device"):
            return line
        chosen.append(small)
        old = small.value
        new = old.with_deep_changes(old.args[0], value=gpu) if isinstance(old, cst.Call) else gpu
        return line.with_changes(body=[small.with_changes(value=new)])

    def whole(module: cst.Module) -> cst.Module:
        done = tree.edit_lines(module, moved)
        return tree.importing(done, "os", "torch") if len(chosen) == 1 else module

    return tree.changed(text, whole)
