"""The view of a case: what the evidence is about, answered once for the judge and for every report."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from harness.evidence.models import Evidence, JsonValue, LocalRun, ServerReading, ServerRun
from harness.judging.advice import job_sdk_version
from harness.judging.live.life import Life
from harness.judging.live.of_evidence import life_of
from harness.judging.metric_series import where_to_look
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.run_end import job_over
from harness.judging.view import (
    announced_links,
    final_server,
    foreign_links,
    main_local_run,
    main_server_run,
    unread,
)

Place = Literal["server", "disk", "output"]


@dataclass(frozen=True)
class RunView:
    """One run, as the place where it is judged has it."""

    where: Place
    entity: str
    project: str
    id: str
    name: str
    state: str
    url: str
    config: dict[str, JsonValue]
    metadata: dict[str, JsonValue]
    console_lines: int | None
    exit_code: int | None
    server: ServerRun | None = None
    local: LocalRun | None = None

    def __str__(self) -> str:
        return self.url or (self.local.path if self.local else f"{self.entity}/{self.project}/{self.id}")


@dataclass(frozen=True)
class Case:
    """Evidence, and the questions that every check and every report asks of it; each answer is found once."""

    evidence: Evidence

    @cached_property
    def place(self) -> Place:
        """Where the runs are judged: the server; the disk for offline jobs and run directories; else job output."""
        if self.evidence.request.source == "job_log":
            return "output"
        return where_to_look(self.evidence)

    @cached_property
    def server(self) -> ServerReading:
        """The server as it was last read: after a sync where there was one."""
        return final_server(self.evidence)

    @cached_property
    def sdk_version(self) -> str | None:
        """The SDK version that the job had."""
        return job_sdk_version(self.evidence)

    @cached_property
    def job_over(self) -> bool | None:
        """Whether the job has ended; None where nothing says so."""
        return job_over(self.evidence)

    @cached_property
    def life(self) -> Life | None:
        """The signs of life of a run that still runs; None where it has ended, or nothing says that it lives."""
        return life_of(self.evidence)

    @cached_property
    def _runs(self) -> tuple[RunView, ...] | NotChecked:
        if self.place == "output":
            return tuple(_announced(self.evidence))
        if self.place == "server":
            reading = self.server
            if reading.status != "failed":
                return tuple(_from_server(run) for run in reading.runs)
            if reading.trouble and reading.trouble.kind == "permission" and foreign_links(self.evidence):
                return ()  # the run went to an entity that is closed to this user
            return NotChecked(
                f"the server could not be read: {reading.trouble.text if reading.trouble else 'no reason'}"
            )
        if self.evidence.local.status == "unreadable":
            return NotChecked("the run directories could not be read")
        return tuple(_from_disk(run) for run in self.evidence.local.runs)

    @property
    def runs(self) -> tuple[RunView, ...]:
        """Every run of the job.

        Raises:
            NotChecked: they could not be read.
        """
        if isinstance(self._runs, NotChecked):
            raise NotChecked(str(self._runs))
        return self._runs

    @property
    def run_count(self) -> int:
        """How many runs the job has, also those that were only counted.

        Raises:
            NotChecked: they could not be read.
        """
        return max(self.server.runs_total, len(self.runs)) if self.place == "server" else len(self.runs)

    @property
    def run(self) -> RunView:
        """The run that carries the training.

        Raises:
            NotApplicable: there is none.
            NotChecked: the runs could not be read.
        """
        if self.place == "output":
            raise NotApplicable("only job output was given; add --run or --run-dir to judge the run itself")
        if not self.runs:
            raise NotApplicable("there is no run")
        return self._main

    @cached_property
    def _main(self) -> RunView:
        server, local = main_server_run(self.evidence), main_local_run(self.evidence)
        if self.place == "server" and server is not None:
            return _from_server(server)
        if local is None:
            raise NotApplicable("there is no run")
        return _from_disk(local)

    def need(self, what: str, *parts: str) -> None:
        """Refuse to judge what of the run could not be read from the server.

        Raises:
            NotChecked: one of the parts is missing because the server did not tell it.
        """
        if self.run.server and (trouble := unread(self.evidence, "internal", *parts)):
            raise NotChecked(f"the run's {what} could not be read ({trouble.where}): {trouble.text[:300]}")


def _announced(evidence: Evidence) -> list[RunView]:
    return [
        RunView(
            where="output", entity=link.entity, project=link.project, id=link.run_id, name="", state="", url=link.url,
            config={}, metadata={}, console_lines=None, exit_code=None,
        )
        for link in announced_links(evidence)
    ]  # fmt: skip


def _from_server(run: ServerRun) -> RunView:
    return RunView(
        where="server", entity=run.entity, project=run.project, id=run.id, name=run.name, state=run.state,
        url=run.url, config=run.config, metadata=run.metadata, console_lines=run.console_lines,
        exit_code=run.exit_code, server=run,
    )  # fmt: skip


def _from_disk(run: LocalRun) -> RunView:
    facts, log = run.log.run, run.log
    ended = "finished" if log.exit_code == 0 else "failed"
    environment = log.environment.model_dump(exclude_defaults=True) if log.environment else {}
    return RunView(
        where="disk", entity=facts.entity if facts else "", project=facts.project if facts else "", id=run.run_id,
        name=facts.display_name if facts else "", state=ended if log.has_exit else "unfinished", url="",
        config=log.config, metadata=run.metadata or environment,
        console_lines=max(log.console_lines, run.console_lines), exit_code=log.exit_code, local=run,
    )  # fmt: skip
