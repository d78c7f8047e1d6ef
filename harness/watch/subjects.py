"""What is watched: a run, a Slurm job, or a folder; with its track, and what was made of it so far."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.evidence.output.reader import OutputReader
from harness.judging.live.life import Life
from harness.judging.live.troubles import Trouble
from harness.settings.model import SettingsError
from harness.settings.run_path import run_path
from harness.targets.slurm.output import OutputFile
from harness.watch.track import Track

Kind = Literal["run", "job", "folder"]
ENDS = ("finished", "failed", "crashed", "killed")
"""States of a run after which nothing more comes of it."""


@dataclass
class Subject:
    """One line of the watch."""

    name: str
    kind: Kind
    track: Track
    run: tuple[str, str, str] | None = None
    """Entity, project and run id; of a Slurm job only once it has said so."""
    server: str | None = None
    """The server of a run that was given by its page."""
    folder: Path | None = None
    outputs: list[OutputFile] = field(default_factory=list)
    reader: OutputReader | None = None
    state: str = ""
    problem: str = ""
    """Id of the fault that is told of."""
    words: str = ""
    verdict: str = ""
    """Of the last verification."""
    alike: int = 0
    """So many verifications in a row told no other verdict than the one before."""
    due_at: float = 0.0
    verified_at: float | None = None
    ended: bool = False
    broken: Trouble | None = None
    """What the last look found broken."""
    stood_at: int = 0
    """How many steps there were then."""
    life: Life | None = None
    """Its signs of life at the last look, while it runs."""
    unread: str = ""
    """Why nothing could be read at the last look."""
    steps: int = 0
    title: str = ""
    """The name of the run, or else of the Slurm job."""
    gpu_hours: float | None = None


def subject_of(text: str, now: float, cwd: Path) -> Subject:
    """Read what the user typed: a job id, a folder, or a run's path or page.

    Raises:
        SettingsError: it is none of these.
    """
    if re.fullmatch(r"\d+(_\d+)?", text):
        return Subject(text, "job", Track(now))
    path = cwd / Path(text).expanduser()
    if "://" not in text and path.is_file():
        raise SettingsError(f"watch: {text} is a file; give the wandb/ folder that holds it, or one run directory.")
    if "://" not in text and path.exists():
        return Subject(text, "folder", Track(now), folder=path)
    try:
        run, server = run_path(text)
    except SettingsError:
        raise SettingsError(
            f"watch: {text!r} is no run (ENTITY/PROJECT/RUN_ID), no Slurm job id and no folder."
        ) from None
    if run is None:
        raise SettingsError("watch: the name of what to watch is empty.")
    return Subject("/".join(run), "run", Track(now), run=run, server=server)
