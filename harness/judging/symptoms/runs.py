"""The job's runs as checks ask about them, wherever they are judged: on the server, or on disk."""

from dataclasses import dataclass

from harness.evidence.models import Evidence, JsonValue, LocalRun, ServerRun
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.view import announced_links, final_server, foreign_links, main_local_run, main_server_run


@dataclass(frozen=True)
class RunSubject:
    """One run; `where` says whether the server or the disk was asked."""

    where: str
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


def judged_on_server(evidence: Evidence) -> bool:
    """Whether the server is the place to look; the disk is, for offline jobs and run directories."""
    request = evidence.request
    return request.source == "run" or (request.source == "job" and request.wants_server)


def runs_of(evidence: Evidence) -> tuple[RunSubject, ...]:
    """Every run of the job.

    Raises:
        NotChecked: the server could not be read.
        NotApplicable: nothing that could hold a run was looked at.
    """
    if judged_on_server(evidence):
        reading = final_server(evidence)
        if reading.status == "failed":
            if reading.trouble and reading.trouble.kind == "permission" and foreign_links(evidence):
                return ()  # the run went to an entity that is closed to this user
            why = reading.trouble.text if reading.trouble else "no reason given"
            raise NotChecked(f"the server could not be read: {why}")
        return tuple(from_server(run) for run in reading.runs)
    if evidence.request.source == "job_log":
        return announced(evidence)
    if evidence.local.status == "unreadable":
        raise NotChecked("the run directories could not be read")
    return tuple(from_disk(run) for run in evidence.local.runs)


def announced(evidence: Evidence) -> tuple[RunSubject, ...]:
    """Runs that the job's output speaks of."""
    return tuple(
        RunSubject(
            where="output", entity=link.entity, project=link.project, id=link.run_id, name="", state="", url=link.url,
            config={}, metadata={}, console_lines=None, exit_code=None,
        )
        for link in announced_links(evidence)
    )  # fmt: skip


def count_of(evidence: Evidence) -> int:
    """How many runs the job has, also those that were only counted."""
    runs = runs_of(evidence)
    return max(final_server(evidence).runs_total, len(runs)) if judged_on_server(evidence) else len(runs)


def main_run(evidence: Evidence) -> RunSubject:
    """The run that carries the training.

    Raises:
        NotApplicable: there is none.
    """
    if evidence.request.source == "job_log":
        raise NotApplicable("only job output was given; add --run or --run-dir to judge the run itself")
    if not runs_of(evidence):
        raise NotApplicable("there is no run")
    if judged_on_server(evidence):
        server = main_server_run(evidence)
        assert server is not None  # noqa: S101 - runs_of found one
        return from_server(server)
    local = main_local_run(evidence)
    assert local is not None  # noqa: S101 - runs_of found one
    return from_disk(local)


def from_server(run: ServerRun) -> RunSubject:
    """View a run as the server has it."""
    return RunSubject(
        where="server", entity=run.entity, project=run.project, id=run.id, name=run.name, state=run.state,
        url=run.url, config=run.config, metadata=run.metadata, console_lines=run.console_lines,
        exit_code=run.exit_code, server=run,
    )  # fmt: skip


def from_disk(run: LocalRun) -> RunSubject:
    """View a run as its directory has it."""
    facts, log = run.log.run, run.log
    ended = "finished" if log.exit_code == 0 else "failed"
    environment = log.environment.model_dump(exclude_defaults=True) if log.environment else {}
    return RunSubject(
        where="disk", entity=facts.entity if facts else "", project=facts.project if facts else "", id=run.run_id,
        name=facts.display_name if facts else "", state=ended if log.has_exit else "unfinished", url="",
        config=log.config, metadata=run.metadata or environment,
        console_lines=max(log.console_lines, run.console_lines), exit_code=log.exit_code, local=run,
    )  # fmt: skip
