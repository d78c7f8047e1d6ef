"""Edits of what wandb.init() and wandb.Settings() are given, and of calls before and after them."""

import re

import libcst as cst

from harness.judging.cures.edits import environment, tree

INIT = ("wandb.init", "wandb.Settings")


def drop_argument(text: str, *names: str) -> str:
    """Leave arguments out, so that the SDK's own settings hold."""
    return tree.changed(
        text, lambda module: tree.edit_calls(module, INIT, lambda call: tree.without_argument(call, *names))
    )


def set_argument(text: str, name: str, value: str, only_with: str = "") -> str:
    """Give an argument of wandb.init() this value, an expression; where asked, only beside another argument."""

    def given(call: cst.Call) -> cst.Call:
        # What `**options` holds is not known here, and may not be given twice.
        if (only_with and not tree.argument(call, only_with)) or any(a.star == "**" for a in call.args):
            return call
        return tree.with_argument(call, name, tree.expression(value))

    def whole(module: cst.Module) -> cst.Module:
        done = tree.edit_calls(module, ["wandb.init"], given)
        needs_os = "os." in value and not done.deep_equals(module)
        return tree.importing(done, "os") if needs_os else done

    return tree.changed(text, whole)


def mode_online(text: str) -> str:
    """Take the mode out of the script; where it is set in a way that is not seen, say "online" to wandb.init()."""
    done = environment.forget_variable(drop_argument(text, "mode"), "WANDB_MODE")
    return done if done != text else set_argument(text, "mode", '"online"')


def shorten_argument(text: str, name: str, most: str) -> str:
    """Cut the value of an argument to so many characters; of a list, each of its values."""

    def short(call: cst.Call) -> cst.Call:
        found = tree.argument(call, name)
        if found is None:
            return call
        value, limit = found.value, int(most)
        code = tree.text_of(value)
        if name == "tags":
            return tree.with_argument(call, name, tree.expression(f"[tag[:{limit}] for tag in {code}]"))
        bare = isinstance(value, (cst.Name, cst.Attribute, cst.Call, cst.SimpleString, cst.FormattedString))
        return tree.with_argument(call, name, tree.expression(f"{code if bare else f'({code})'}[:{limit}]"))

    return tree.changed(text, lambda module: tree.edit_calls(module, ["wandb.init"], short))


def project_alone(text: str) -> str:
    """Take from a project's name what does not belong there: the entity before it, and characters that W&B refuses."""

    def bare(call: cst.Call) -> cst.Call:
        found = tree.argument(call, "project")
        name = tree.literal(found.value) if found else None
        if not isinstance(name, str):
            return call
        project = re.sub(r"[/\\#?%:]", "-", name.rpartition("/")[2])[:128]
        return tree.with_argument(call, "project", cst.SimpleString(f'"{project}"')) if project != name else call

    return tree.changed(text, lambda module: tree.edit_calls(module, ["wandb.init"], bare))


def clean_id(text: str) -> str:
    """Make a run's id of characters that W&B takes; one that is no plain text is left to the SDK."""

    def clean(call: cst.Call) -> cst.Call:
        found = tree.argument(call, "id")
        run_id = tree.literal(found.value) if found else None
        if isinstance(run_id, str) and (good := re.sub(r"[^\w-]+", "-", run_id).strip("-")):
            return tree.with_argument(call, "id", cst.SimpleString(f'"{good}"'))
        return tree.without_argument(call, "id")

    return tree.changed(text, lambda module: tree.edit_calls(module, ["wandb.init"], clean))


def resume_afresh(text: str) -> str:
    """Give a run a new id, and continue the run of that id after a restart."""

    def afresh(call: cst.Call) -> cst.Call:
        found = tree.argument(call, "id")
        old = tree.literal(found.value) if found else None
        if not isinstance(old, str):
            return call
        call = tree.with_argument(call, "id", cst.SimpleString(f'"{old}-2"'))
        return tree.with_argument(call, "resume", tree.expression('"allow"'))

    return tree.changed(text, lambda module: tree.edit_calls(module, ["wandb.init"], afresh))


def allow_config_change(text: str) -> str:
    """Say that new values of the config are meant."""
    allowed = tree.expression("True")

    def whole(module: cst.Module) -> cst.Module:
        configs = [f"{name}.config" for name in tree.run_names(module)]
        updates = [f"{name}.update" for name in configs]
        done = tree.edit_calls(module, updates, lambda c: tree.with_argument(c, "allow_val_change", allowed))
        return tree.edit_lines(done, lambda line: _as_updates(line, configs))

    return tree.changed(text, whole)


def _as_updates(line: tree.Line, configs: list[str]) -> tree.Line:
    """`run.config.lr = 0.1` as an update that is allowed to change what is there."""
    found = [_as_update(small, configs) for small in line.body]
    same = all(new is old for new, old in zip(found, line.body, strict=True))
    return line if same else line.with_changes(body=found)


def _as_update(small: cst.BaseSmallStatement, configs: list[str]) -> cst.BaseSmallStatement:
    if not isinstance(small, cst.Assign) or len(small.targets) != 1:
        return small
    target = small.targets[0].target
    if isinstance(target, cst.Attribute) and tree.name_of(target.value) in configs:
        config, key = tree.name_of(target.value), f'"{target.attr.value}"'
    elif isinstance(target, cst.Subscript) and tree.name_of(target.value) in configs:
        index = target.slice[0].slice
        if not isinstance(index, cst.Index):
            return small
        config, key = tree.name_of(target.value), tree.text_of(index.value)
    else:
        return small
    update = f"{config}.update({{{key}: {tree.text_of(small.value)}}}, allow_val_change=True)"
    return cst.Expr(tree.expression(update), semicolon=small.semicolon)


def without_require(text: str) -> str:
    """Take away calls of wandb.require(): what they ask for is the default or gone."""

    def whole(module: cst.Module) -> cst.Module:
        return tree.edit_lines(
            module,
            lambda line: tree.without_small(
                line, lambda s: isinstance(s, cst.Expr) and tree.name_of(s.value) == "wandb.require"
            ),
        )

    return tree.changed(text, whole)


def known_setting(text: str, name: str) -> str:
    """Give a setting that this SDK does not know its new name, where it has one; else leave it out."""
    new = "x" + name if name.startswith("_") else ""

    def known(call: cst.Call) -> cst.Call:
        found = tree.argument(call, name)
        if found is None:
            return call
        if new:
            return call.with_deep_changes(found, keyword=cst.Name(new))
        return tree.without_argument(call, name)

    return tree.changed(text, lambda module: tree.edit_calls(module, ["wandb.Settings"], known))


def without_disabled_run(text: str) -> str:
    """Take away a disabled run that is made and finished in one statement."""

    def disabled(small: cst.BaseSmallStatement) -> bool:
        found = tree.calls(small, "wandb.init") if isinstance(small, cst.Expr) else []
        modes = [tree.argument(call, "mode") for call in found]
        return bool(found) and all(mode and tree.literal(mode.value) == "disabled" for mode in modes)

    return tree.changed(text, lambda module: tree.edit_lines(module, lambda line: tree.without_small(line, disabled)))
