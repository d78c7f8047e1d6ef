"""Edits that give a framework its logger, and let it log often enough."""

from collections.abc import Mapping

import libcst as cst

from harness.judging.cures.edits import tree

_LOGGER = "from lightning.pytorch.loggers import WandbLogger"
_ARGUMENTS: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "lightning": (("Trainer", "L.Trainer", "pl.Trainer", "lightning.Trainer"), "logger", "WandbLogger({project})"),
    "fabric": (("Fabric", "L.Fabric", "lightning.Fabric"), "loggers", "[WandbLogger({project})]"),
    "transformers": (("TrainingArguments", "transformers.TrainingArguments", "Seq2SeqTrainingArguments"), "report_to",
                     '"wandb"'),
    "trl": (("SFTConfig", "DPOConfig", "GRPOConfig", "RewardConfig", "trl.SFTConfig"), "report_to", '"wandb"'),
    "accelerate": (("Accelerator", "accelerate.Accelerator"), "log_with", '"wandb"'),
}  # fmt: skip
"""How a framework is told to log: calls, the argument, and what it is given."""
_EVERY = {
    "log_every_n_steps": _ARGUMENTS["lightning"][0],
    "logging_steps": _ARGUMENTS["transformers"][0] + _ARGUMENTS["trl"][0],
}
"""Which calls take it."""
STRATEGY = "logging_strategy"


def attach_logger(text: str, framework: str, project: str = "") -> str:
    """Tell a framework to log to W&B, in the one call that takes it."""
    known = _ARGUMENTS.get(framework)
    if known is None:
        return text
    names, keyword, value = known
    given = value.format(project=f'project="{project}"' if project and not project.startswith("<") else "")

    def whole(module: cst.Module) -> cst.Module:
        if len(tree.calls(module, *names)) != 1:
            return module
        done = tree.edit_calls(module, names, lambda c: tree.with_argument(c, keyword, tree.expression(given)))
        if framework == "accelerate" and "init_trackers" not in text:
            made = _trackers_for_init if tree.calls(module, "wandb.init") else _with_trackers
            return made(done, names, project) or module
        if "WandbLogger" in given and "WandbLogger" not in text:
            source = _LOGGER.replace("lightning.", "pytorch_lightning.").replace(".pytorch.", ".")
            done = _imported(done, source if "pytorch_lightning" in text else _LOGGER)
        return done

    return tree.changed(text, whole)


def _imported(module: cst.Module, line: str) -> cst.Module:
    """The import behind the first one of the script."""
    at = next((n for n, s in enumerate(module.body) if tree.text_of(s).lstrip().startswith(("import", "from"))), None)
    if at is None or "__future__" in tree.text_of(module.body[at]):
        at = 0 if at is None else at + 1
    body = list(module.body)
    body.insert(at + 1 if at < len(body) else at, cst.parse_statement(line))
    return module.with_changes(body=body)


def _trackers_for_init(module: cst.Module, names: tuple[str, ...], project: str) -> cst.Module | None:
    """`init_trackers` in place of the script's own wandb.init(), which would be the first of two; None if not sure."""
    made: list[str] = []
    changed: list[str] = []

    def instead(line: tree.Line) -> "tree.Line | cst.FlattenSentinel[cst.BaseStatement]":
        small = line.body[0]
        if isinstance(small, cst.Assign):
            made.extend(name for name, value in tree.assigned(small) if tree.calls(value, *names))
        call = small.value if isinstance(small, (cst.Assign, cst.Expr)) else None
        if len(line.body) != 1 or not made or not isinstance(call, cst.Call) or tree.name_of(call.func) != "wandb.init":
            return line
        if any(arg.keyword is None and not arg.star for arg in call.args):
            return line
        own = tree.argument(call, "project")
        label = tree.text_of(own.value) if own else f'"{_label(project)}"'
        rest = ", ".join(tree.text_of(arg.with_changes(comma=cst.MaybeSentinel.DEFAULT)) for arg in call.args
                         if arg is not own)  # fmt: skip
        given = f', init_kwargs={{"wandb": dict({rest})}}' if rest else ""
        changed.append(made[0])
        start = cst.parse_statement(f"{made[0]}.init_trackers({label}{given})")
        after = (
            [line.with_deep_changes(small, value=tree.expression("wandb.run"))] if isinstance(small, cst.Assign) else []
        )
        return cst.FlattenSentinel([start, *after])

    done = tree.edit_lines(module, instead)
    return done if len(changed) == len(tree.calls(module, "wandb.init")) == 1 else None


def _label(project: str) -> str:
    return project if project and not project.startswith("<") else "training"


def _with_trackers(module: cst.Module, names: tuple[str, ...], project: str) -> cst.Module:
    """`init_trackers` right after the line that makes the accelerator."""

    def started(line: tree.Line) -> "tree.Line | cst.FlattenSentinel[cst.BaseStatement]":
        made = tree.assigned(line.body[0]) if isinstance(line.body[0], cst.Assign) else ()
        added = [cst.parse_statement(f'{name}.init_trackers("{_label(project)}")') for name, value in made
                 if tree.calls(value, *names)]  # fmt: skip
        return cst.FlattenSentinel([line, *added]) if added and len(line.body) == 1 else line

    return tree.edit_lines(module, started)


def log_every(text: str, argument: str, every: str) -> str:
    """Let a framework log every so many steps, also where another argument switched that off."""

    class _Every(cst.CSTTransformer):
        def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
            if updated_node.keyword and updated_node.keyword.value == argument:
                return updated_node.with_changes(value=tree.expression(every))
            return updated_node

    done = tree.changed(text, lambda module: module.visit(_Every()))
    names = _EVERY.get(argument, ())

    def mended(call: cst.Call) -> cst.Call:
        if tree.argument(call, STRATEGY):
            call = tree.with_argument(call, STRATEGY, tree.expression('"steps"'))
        return tree.with_argument(call, argument, tree.expression(every)) if done == text else call

    if len(tree.calls(tree.parsed(text) or cst.Module([]), *names)) != 1:
        return done
    return tree.changed(done, lambda module: tree.edit_calls(module, names, mended))
