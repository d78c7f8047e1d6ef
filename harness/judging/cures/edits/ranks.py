"""Edits about ranks: who writes, what tells a rank, and what a child process must not do again."""

from collections.abc import Callable

import libcst as cst
from libcst.helpers import get_full_name_for_node

from harness.judging.cures.edits import tree

FIRST = 'os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"'
SLURM_NAMES = {"RANK": "SLURM_PROCID", "LOCAL_RANK": "SLURM_LOCALID", "WORLD_SIZE": "SLURM_NTASKS"}
_MAIN = '__name__ == "__main__"'


def one_writer(text: str, resumed: str = "") -> str:
    """Let rank 0 alone have a run; on the others every call of wandb does nothing. A fixed id is resumed, if asked."""

    def guarded(call: cst.Call) -> cst.Call:
        mode = tree.argument(call, "mode")
        own = tree.text_of(mode.value) if mode else "None"
        if resumed and not tree.argument(call, "resume"):
            call = tree.with_argument(call, "resume", tree.expression('"allow"'))
        return tree.with_argument(call, "mode", tree.expression(f'{own} if {FIRST} else "disabled"'))

    return _with_os(text, lambda module: tree.edit_calls(module, ["wandb.init"], guarded))


def one_primary(text: str) -> str:
    """Make rank 0 the primary writer of a shared run, and no other."""

    def primary(call: cst.Call) -> cst.Call:
        found = tree.argument(call, "x_primary")
        return tree.with_argument(call, "x_primary", tree.expression(FIRST)) if found else call

    return _with_os(text, lambda module: tree.edit_calls(module, ["wandb.Settings"], primary))


def resume_by_job(text: str) -> str:
    """Give the run the id of the Slurm job, and continue it after a restart."""
    given = {"id": tree.expression('os.environ.get("SLURM_JOB_ID")'), "resume": tree.expression('"allow"')}

    def whole(module: cst.Module) -> cst.Module:
        def resumed(call: cst.Call) -> cst.Call:
            if any(not tree.argument(call, name) and tree.may_hold(module, call, name) for name in given):
                return call
            for name, value in given.items():
                call = tree.with_argument(call, name, value)
            return call

        return tree.edit_calls(module, ["wandb.init"], resumed)

    return _with_os(text, whole)


def _with_os(text: str, edit: Callable[[cst.Module], cst.Module]) -> str:
    def whole(module: cst.Module) -> cst.Module:
        done = edit(module)
        return module if done.deep_equals(module) else tree.importing(done, "os")

    return tree.changed(text, whole)


def _variable(node: cst.BaseExpression) -> str:
    """The variable of the environment that an expression reads."""
    if isinstance(node, cst.Subscript) and get_full_name_for_node(node.value) == "os.environ":
        index = node.slice[0].slice
        return str(tree.literal(index.value)) if isinstance(index, cst.Index) else ""
    if isinstance(node, cst.Call) and tree.name_of(node.func) in ("os.environ.get", "os.getenv") and node.args:
        return str(tree.literal(node.args[0].value))
    return ""


class _Numbers(cst.CSTTransformer):
    def leave_Comparison(self, original_node: cst.Comparison, updated_node: cst.Comparison) -> cst.BaseExpression:
        right = updated_node.comparisons[0].comparator if len(updated_node.comparisons) == 1 else None
        if _variable(updated_node.left) and isinstance(right, cst.Integer):
            return updated_node.with_changes(left=tree.expression(f"int({tree.text_of(updated_node.left)})"))
        return updated_node


def rank_as_number(text: str) -> str:
    """Compare a variable's text with a number as a number."""
    return tree.changed(text, lambda module: module.visit(_Numbers()))


class _FromSlurm(cst.CSTTransformer):
    def leave_Subscript(self, original_node: cst.Subscript, updated_node: cst.Subscript) -> cst.BaseExpression:
        name = _variable(updated_node)
        if name not in SLURM_NAMES:
            return updated_node
        return tree.expression(f'os.environ.get("{name}", os.environ.get("{SLURM_NAMES[name]}"))')

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        name = _variable(updated_node)
        if name not in SLURM_NAMES:
            return updated_node
        rest = f", {tree.text_of(updated_node.args[1].value)}" if len(updated_node.args) > 1 else ""
        return tree.expression(f'os.environ.get("{name}", os.environ.get("{SLURM_NAMES[name]}"{rest}))')

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        # What the script sets itself it need not read from Slurm.
        same = original_node.targets[0].target
        return original_node if isinstance(same, cst.Subscript) and _variable(same) in SLURM_NAMES else updated_node

    def leave_Del(self, original_node: cst.Del, updated_node: cst.Del) -> cst.Del:
        return original_node


def rank_from_slurm(text: str) -> str:
    """Read the rank from srun's variables where the launcher's are not set."""
    return tree.changed(text, lambda module: module.visit(_FromSlurm()))


def main_guard(text: str) -> str:
    """Let only the main process do what starts the training, not the workers that import the script again."""

    def whole(module: cst.Module) -> cst.Module:
        body = list(module.body)
        first = next((at for at, s in enumerate(body) if tree.calls(s, "wandb.init")), None)
        if first is None or not isinstance(body[first], cst.SimpleStatementLine):
            return module
        done: list[cst.BaseStatement] = list(body[:first])
        for statement in body[first:]:
            stays = isinstance(statement, (cst.FunctionDef, cst.ClassDef)) or _is_main(statement) or _imports(statement)
            if stays:
                done.append(statement)
            elif done[first:] and isinstance(done[-1], cst.If) and done[-1].leading_lines == () and _ours(done[-1]):
                block = done[-1].body
                done[-1] = done[-1].with_changes(body=block.with_changes(body=[*block.body, statement]))
            else:
                done.append(cst.If(test=tree.expression(_MAIN), body=cst.IndentedBlock(body=[statement])))
        return module.with_changes(body=done)

    return tree.changed(text, whole)


def _is_main(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.If) and "__name__" in tree.text_of(statement.test)


def _ours(statement: cst.If) -> bool:
    return tree.text_of(statement.test) == _MAIN and statement.orelse is None


def _imports(statement: cst.CSTNode) -> bool:
    small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) and statement.body else None
    return isinstance(small, (cst.Import, cst.ImportFrom))
