"""Looks at what a watched job has on disk: its folder of runs, or its output, which tells the run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.disk.log_writers import touched_at
from harness.evidence.models import Evidence, LocalReading, Request
from harness.evidence.output.reader import OutputReader
from harness.judging.live.life import Beat
from harness.judging.live.of_evidence import life_of
from harness.judging.view import main_local_run
from harness.targets.slurm.output import OutputFile
from harness.verification.finished_job import read_folder
from harness.watch.subjects import Subject

Show = Callable[[str], Mapping[str, str]]
"""Says where Slurm writes the output of a job."""


@dataclass
class OnDisk:
    """Looks, and reads no more than what is new."""

    scrub: Callable[[str], str]
    outputs_of: Callable[[str], Iterable[Path]]
    """The output files of a Slurm job."""
    _read: dict[str, tuple[float | None, LocalReading]] = field(default_factory=dict)

    def look(self, subject: Subject, now: float) -> None:
        """Take in what is new."""
        if subject.folder is not None:
            self._folder(subject, subject.folder, now)
        elif subject.kind == "job":
            self._output(subject)

    def _folder(self, subject: Subject, folder: Path, now: float) -> None:
        kept = self._read.get(subject.name)
        written = touched_at(Path(run.path) / f"run-{run.run_id}.wandb" for run in kept[1].runs) if kept else None
        if kept is None or written != kept[0] or now - (subject.verified_at or now) > 60:
            reading = read_folder(folder, self.scrub)
            logs = (Path(run.path) / f"run-{run.run_id}.wandb" for run in reading.runs)
            kept = self._read[subject.name] = (touched_at(logs), reading)
        request = Request(source="run_dir", target="none", server="none", run_dir=str(folder))
        evidence = Evidence(request=request, local=kept[1], created_at=now)
        subject.life = life_of(evidence)
        local = main_local_run(evidence)
        subject.unread = "" if local else "the folder holds no run"
        if local is None:
            return
        subject.steps = local.log.history_rows
        if local.log.has_exit:
            subject.state = "finished" if local.log.exit_code == 0 else "failed"
        else:
            subject.state = "running" if subject.life else "crashed" if local.writer == "gone" else "no sign of life"

    def _output(self, subject: Subject) -> None:
        """Read on; the run that the SDK announces there is looked at from then on."""
        if not subject.outputs:
            subject.outputs = [OutputFile(path) for path in self.outputs_of(subject.name)]
            subject.reader = OutputReader(None, self.scrub)
        for output in subject.outputs:
            while subject.reader and (lines := output.new_lines()):
                subject.reader.feed(lines)
        if subject.reader is not None and (link := subject.reader.first_link()):
            subject.run = (link.entity, link.project, link.run_id)
        written = touched_at(output.path for output in subject.outputs)
        subject.track.output = Beat(written)
