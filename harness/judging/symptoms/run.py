"""Symptoms of the run: `wandb.init()` made it, there is one, it ended well and holds what belongs to it."""

import re

from harness.evidence.models import Evidence
from harness.judging.case import Case, RunView
from harness.judging.check import Check
from harness.judging.duplicates import problem as duplicates_problem
from harness.judging.live.broken import broken
from harness.judging.live.early import RUNNING
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.setup_questions import sdk_problem
from harness.judging.view import own_entities, unread

CONFIG = ("learning_rate", "architecture", "epochs", "batch_size")
"""Keys of the built-in job's config; the guide's, plus the batch size."""


def init_succeeded(case: Case, _: str) -> str | None:
    """There is no run."""
    return None if case.run_count else "no run of this job is there"


def init_can_succeed(case: Case, _: str) -> str | None:
    """There can be no run, whatever the script does."""
    setup, script = case.evidence.setup, case.evidence.request.job_kind != "batch"
    if setup and script and (problem := sdk_problem(setup.python)):
        return problem
    raise NotApplicable("no job was started")


def exactly_one_run(case: Case, _: str) -> str | None:
    """There are runs, or writers of the one run, beyond the one that was meant."""
    problem = duplicates_problem(case.evidence)
    if problem is None and case.evidence.local.undecided:
        raise NotChecked("; ".join(case.evidence.local.undecided[:3]))
    if case.runs and problem is None and (trouble := unread(case.evidence, "neighbours")):
        raise NotChecked(f"other runs of the job could not be looked for: {trouble.text[:300]}")
    return problem


def run_finished(case: Case, _: str) -> str | None:
    """The run did not end as finished."""
    run = case.run
    if case.life is not None:
        if found := broken(case.evidence):
            return f"the run is said to run, but {found[0].words}: {run}"
        raise NotApplicable(RUNNING)
    return None if run.state == "finished" else f"the run is {run.state}: {run}"


def config_is_tracked(case: Case, _: str) -> str | None:
    """The configuration lacks what the built-in job was started with."""
    run = case.run
    if case.evidence.request.job_kind != "builtin":
        if not run.config:
            raise NotApplicable("the job tracks no config; the guide passes one to wandb.init(config=…)")
        return None
    missing = [key for key in CONFIG if key not in run.config]
    if missing:
        return f"the run's config lacks {', '.join(missing)}; it has {', '.join(run.config) or 'nothing'}"
    return None


def run_is_where_it_was_meant_to_be(case: Case, _: str) -> str | None:
    """The run went to another entity or project than was asked for."""
    run = case.run
    meant = _meant(case, run)
    if (run.entity, run.project) == meant:
        return None
    return f"meant for {'/'.join(meant)}, found in {run.entity}/{run.project}"


def _meant(case: Case, run: RunView) -> tuple[str, str]:
    """Entity and project that were asked for; what the job script names by itself is right by definition."""
    evidence, setup = case.evidence, case.evidence.setup
    if evidence.request.run_path:
        named = evidence.request.run_path.split("/")
        return named[0], named[1]
    if case.place != "server":
        raise NotApplicable("an offline run gets its place when it is synced")
    if setup is None or _submitted_by_hand(evidence):  # such a job itself says what it wants
        return run.entity, run.project
    asked = setup.network
    entity = asked.entity if "entity" not in setup.script_names else None
    # Nobody asked for the default entity: a job that goes to one of the user's teams says what it means.
    default = asked.viewer.entity if asked.viewer else None
    if entity == default and (run.entity in own_entities(evidence) or evidence.request.server == "loopback"):
        entity = None
    project = asked.project if "project" not in setup.script_names else None
    return entity or run.entity, project or run.project


def _submitted_by_hand(evidence: Evidence) -> bool:
    slurm = evidence.job.slurm if evidence.job else None
    return slurm is not None and slurm.attached and evidence.request.job_kind != "builtin"


def environment_is_recorded(case: Case, _: str) -> str | None:
    """The run does not say where it ran."""
    run = case.run
    found = {
        "host": run.metadata.get("host") or (run.server.host if run.server else None),
        "Python version": run.metadata.get("python") or (run.server.python_version if run.server else None),
    }
    missing = [fact for fact, value in found.items() if not value]
    if missing:
        case.need("environment", "metadata", "files")
        return f"the run does not say its {' and '.join(missing)}"
    return None


def console_output_is_captured(case: Case, _: str) -> str | None:
    """The run has no console output."""
    run = case.run
    local = [r for r in case.evidence.local.runs if r.run_id == run.id]
    if any("off" in (r.log.settings.get("console"), r.sdk_logs.settings.get("console")) for r in local):
        raise NotApplicable("the job turned the console capture off")
    if local and not any(r.log.console_lines or r.console_lines or r.log.status != "complete" for r in local):
        raise NotApplicable("the process that logs to W&B printed nothing after wandb.init()")
    if run.console_lines:
        return None
    if run.server:
        # In shared mode each writer has a file of its own: output_LABEL.log.
        if any(re.fullmatch(r"(logs/)?output[^/]*\.log", name) for name in run.server.files):
            return None
        case.need("console output", "counts", "files")
        if not local:
            raise NotApplicable("W&B has no console output; whether the job printed any, or captured it, is not known")
    return "the run has no console output"


FILE = "test_3_run.py"
RUN = ("test_init_succeeded",)
CHECKS = (
    Check(
        FILE, "test_init_succeeded", init_succeeded, needs=("test_job_started", "test_mode_is_online"), shows="rows",
    ),
    Check(FILE, "test_exactly_one_run", exactly_one_run, needs=RUN),
    Check(
        FILE, "test_run_finished", run_finished, needs=RUN,
        brings=(
            "test_series_is_present", "test_series_has_every_point", "test_nothing_was_lost",
            "test_environment_is_recorded", "test_console_output_is_captured",
        ),
    ),
    Check(FILE, "test_config_is_tracked", config_is_tracked, needs=RUN),
    Check(FILE, "test_run_is_where_it_was_meant_to_be", run_is_where_it_was_meant_to_be, needs=RUN),
    Check(FILE, "test_environment_is_recorded", environment_is_recorded, needs=RUN, shows="samples"),
    Check(FILE, "test_console_output_is_captured", console_output_is_captured, needs=RUN, shows="end"),
)  # fmt: skip

BEFORE_A_JOB = Check(FILE, "test_init_succeeded", init_can_succeed)
"""The same check, as far as it can be made without a job."""
