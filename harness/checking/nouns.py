"""The nouns of the guide's Verify list; each answers by the judge's own symptoms."""

from dataclasses import dataclass

from harness.judging.case import Case
from harness.judging.check import Symptom
from harness.judging.symptoms import job as of_job
from harness.judging.symptoms import metrics as of_metric
from harness.judging.symptoms import rehearsal as of_rehearsal
from harness.judging.symptoms import run as of_run
from harness.judging.symptoms import setup as of_setup
from harness.judging.symptoms import sync as of_sync
from harness.judging.symptoms import system as of_system


@dataclass(frozen=True)
class Answer:
    """What a symptom says of the case: true where nothing is wrong; its text is what is."""

    problem: str | None

    def __bool__(self) -> bool:
        return self.problem is None

    def __repr__(self) -> str:
        return self.problem or "as it should be"


@dataclass(frozen=True)
class Noun:
    """Something that a check speaks of; `of` is the metric or the part of the host that is meant."""

    case: Case
    of: str = ""

    def ask(self, symptom: Symptom) -> Answer:
        """Ask the case for a symptom."""
        return Answer(symptom(self.case, self.of))


def _answer(symptom: Symptom) -> "property":
    def answer(noun: Noun) -> Answer:
        return noun.ask(symptom)

    return property(answer, doc=symptom.__doc__)


class Setup(Noun):
    """The setup before the job."""

    has_an_api_key = _answer(of_setup.api_key_is_configured)
    reaches_the_server = _answer(of_setup.server_is_reachable)
    key_is_accepted = _answer(of_setup.api_key_is_accepted)
    project_is_writable = _answer(of_setup.project_is_writable)
    is_online = _answer(of_setup.mode_is_online)


class Job(Noun):
    """The job that was started."""

    was_submitted = _answer(of_job.job_was_submitted)
    started = _answer(of_job.job_started)
    completed = _answer(of_job.job_completed)
    has_every_rank = _answer(of_job.every_rank_joined)


class Run(Noun):
    """The run that carries the training."""

    exists = _answer(of_run.init_succeeded)
    is_the_only_one = _answer(of_run.exactly_one_run)
    finished = _answer(of_run.run_finished)
    has_its_config = _answer(of_run.config_is_tracked)
    is_where_it_was_meant_to_be = _answer(of_run.run_is_where_it_was_meant_to_be)
    knows_its_environment = _answer(of_run.environment_is_recorded)
    has_console_output = _answer(of_run.console_output_is_captured)
    lost_nothing = _answer(of_sync.nothing_was_lost)


class Series(Noun):
    """The series of one expected metric."""

    is_present = _answer(of_metric.series_is_present)
    has_every_point = _answer(of_metric.series_has_every_point)
    is_finite = _answer(of_metric.series_is_finite)
    goes_up_in_steps = _answer(of_metric.steps_increase)


class SystemMetrics(Noun):
    """System metrics of the host and of its GPUs."""

    are_captured = _answer(of_system.host_metrics_are_captured)
    cover_every_gpu = _answer(of_system.every_gpu_reports)
    show_that_gpus_worked = _answer(of_system.gpus_were_used)
    were_visible_while_running = _answer(of_system.metrics_were_visible_while_running)


class Rehearsal(Noun):
    """What was played on the job."""

    survives_an_outage = _answer(of_rehearsal.training_survives_an_outage)
    loses_nothing_in_an_outage = _answer(of_rehearsal.an_outage_loses_nothing)
    continues_the_run = _answer(of_rehearsal.a_restart_continues_the_run)
    loses_nothing_in_a_restart = _answer(of_rehearsal.a_restart_loses_nothing)
