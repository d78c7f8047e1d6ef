"""Looks at what a watched job has on disk: its folder of runs, or its output, which tells the run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.disk.log_writers import touched_at
from harness.evidence.models import Evidence, LocalReading, Request
from harness.evidence.output.reader import OutputReader
from harness.judging.live.life import NONE, Beat
from harness.judging.live.of_evidence import life_of, rows_on_disk
from harness.judging.view import main_local_run
from harness.targets.slurm.output import OutputFile
from harness.watch.subjects import Subject

Show = Callable[[str], Mapping[str, str]]
"""Says where Slurm writes the output of a job."""

STANDS_S = 45.0
"""Rows are on the server sooner than that, unless they come more seldom or the server stands."""


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
            self._output(subject, now)

    def _folder(self, subject: Subject, folder: Path, now: float) -> None:
        request = Request(source="run_dir", target="none", server="none", run_dir=str(folder))
        evidence = Evidence(request=request, local=self._newest(subject, folder, now), created_at=now)
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

    def _newest(self, subject: Subject, folder: Path, now: float) -> LocalReading:
        """Read a folder again where its logs were written to since."""
        from harness.evidence.disk.newest_job import read_folder  # most watches never read a log: it takes memory

        kept = self._read.get(subject.name)
        written = touched_at(Path(run.path) / f"run-{run.run_id}.wandb" for run in kept[1].runs) if kept else None
        if kept is None or written != kept[0] or now - (subject.verified_at or now) > 60:
            reading = read_folder(folder, self.scrub)
            logs = (Path(run.path) / f"run-{run.run_id}.wandb" for run in reading.runs)
            kept = self._read[subject.name] = (touched_at(logs), reading)
        return kept[1]

    def _output(self, subject: Subject, now: float) -> None:
        """Read on; the run that the SDK announces there is looked at from then on."""
        if not subject.outputs:
            subject.outputs = [OutputFile(path) for path in self.outputs_of(subject.name)]
            subject.reader = OutputReader(None, self.scrub)
        for output in subject.outputs:
            while subject.reader and (lines := output.new_lines()):
                subject.reader.feed(lines)
        if subject.reader is not None and (link := subject.reader.newest_link()):
            run = (link.entity, link.project, link.run_id)
            if subject.run not in (None, run):  # a requeued job, or the next of a sweep
                subject.track = subject.track.of_the_next_run(now)
            subject.run = run
        written = touched_at(output.path for output in subject.outputs)
        subject.track.output = Beat(written)
        self._behind(subject, now)

    def _behind(self, subject: Subject, now: float) -> None:
        """Where the server has stood for a while, count what is on disk; else its log is not read."""
        steps = subject.life.steps if subject.life else NONE
        age = subject.life.age(steps) if subject.life else None
        if subject.reader is None or subject.run is None or age is None or age < STANDS_S:
            return
        told = (text for text in subject.reader.run_dirs() if text.endswith(subject.run[2]))
        folders = (output.path.parent / text for text in told for output in subject.outputs)
        found = next((folder for folder in folders if folder.is_dir()), None)
        if found is None:
            return
        local = main_local_run(Evidence(local=self._newest(subject, found, now)))
        subject.track.disk = rows_on_disk(local) if local else NONE
