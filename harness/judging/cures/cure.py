"""What mends a fault: commands, an edit of the user's script as a patch, or somebody else's part."""

import re
import shlex
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.evidence.models import Evidence
from harness.evidence.models.setup import ScriptSource
from harness.judging.cures.batch import BATCH_EDITS
from harness.judging.cures.diff import by_numbers, unified

CureKind = Literal["shell", "edit", "settings", "outside"]
_LEFT_OPEN = re.compile(r"<[A-Za-z][\w ]*>|\.\.\.|…|\b(?:NUMBER|FOLDER|VALUE|NEW_ID|RUN_DIRECTORY|project_NUMBER)\b")
"""What somebody must fill in before a command can be run."""


class Cure(BaseModel):
    """How a fault is mended where the verification was started."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: CureKind
    """`shell`: commands; `edit`: of the script; `settings`: commands that change a file of settings; `outside`: an
    admin, a web page, or waiting."""
    commands: tuple[str, ...] = ()
    """Lines for one bash, in the folder and environment of the verification, before it is started again from there."""
    patch: str | None = None
    """For `patch -p1` in that folder. An edit with neither patch nor commands is a sketch."""
    tried: bool | None = None
    """Whether the verification passed with it; None where it was not tried."""
    trial: str = ""
    """What came of it, in words."""

    @property
    def ready(self) -> bool:
        """Whether it can be carried out as it stands."""
        return bool(self.commands or self.patch)


def written(kind: CureKind, text: str) -> Cure:
    """The cure that an advice spells out: its indented lines; with none where something is to be filled in."""
    lines = tuple(line[2:].rstrip() for line in text.splitlines() if line.startswith("  ") and line[2:3] != "#")
    return Cure(kind=kind, commands=() if any(map(_LEFT_OPEN.search, lines)) else lines)


def edited(edit: str, evidence: Evidence, needs: str = "") -> Cure:
    """The cure that an edit of the user's script makes, with the command that it needs to help.

    One without a patch where it cannot be made safely.
    """
    script = evidence.setup.source if evidence.setup else None
    if script is None:
        return Cure(kind="edit")
    cure = _as_cure(script, _changed(script.text, edit, batch=evidence.request.job_kind == "batch"))
    return cure.model_copy(update={"commands": (*cure.commands, needs)}) if needs and cure.ready else cure


@lru_cache(maxsize=1024)
def _changed(text: str, edit: str, *, batch: bool) -> str:
    """The script after an edit; kept, since a job that runs is judged again and again, and LibCST takes its time."""
    name, *arguments = shlex.split(edit)
    made = (BATCH_EDITS if batch else python_edits()).get(name)
    return made(text, *arguments) if made else text


def _as_cure(script: ScriptSource, changed: str) -> Cure:
    """A patch; where that would show a key, which the evidence does not hold, the same by numbers of lines."""
    if changed == script.text:
        return Cure(kind="edit")
    if script.patchable and (patch := unified(script.path, script.text, changed)):
        return Cure(kind="edit", patch=patch)
    steps = by_numbers(script.text, changed)
    if not steps:
        return Cure(kind="edit")
    said = " ".join(f"-e {shlex.quote(step)}" for step in steps)
    return Cure(kind="shell", commands=(f"sed -i {said} {shlex.quote(script.path)}",))


def python_edits() -> Mapping[str, Callable[..., str]]:
    """The edits of Python scripts; LibCST is imported for them alone, and takes a third of a second."""
    from harness.judging.cures.edits import EDITS

    return EDITS


def told(text: str, cure: Cure | None) -> str:
    """The advice with what is carried out in place of the pattern that it shows; a sketch is said to be one."""
    if cure is None or not cure.ready or cure.kind == "outside":
        return f"By hand: {text}" if cure and cure.kind == "edit" else text
    words = [line for line in text.splitlines() if not line.startswith(" ")]
    shown = [*cure.commands, *(cure.patch or "").splitlines()]
    return "\n".join((*words[:1], *(f"  {line}" for line in shown)))


def filled(edit: str, values: Mapping[str, str]) -> str | None:
    """An edit's arguments from what is known; None where one of them is not."""
    try:
        return edit.format_map({name: shlex.quote(value) for name, value in values.items()})
    except KeyError:
        return None
