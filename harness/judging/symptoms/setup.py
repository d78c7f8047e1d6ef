"""Symptoms of the setup: can a job log to W&B at all? What the job then did itself has the last word."""

from harness.evidence.models import Setup
from harness.judging import setup_questions as questions
from harness.judging.case import Case
from harness.judging.check import Check
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.view import reached_server


def _setup(case: Case, *, server: bool = True) -> Setup:
    request, setup = case.evidence.request, case.evidence.setup
    if setup is None:
        raise NotApplicable("no job was started, so there is no setup to judge")
    if server and not request.wants_server:
        raise NotApplicable("the job was asked to run offline, so it needs no server")
    return setup


def api_key_is_configured(case: Case, _: str) -> str | None:
    """No usable key would be sent."""
    setup = _setup(case)
    if reached_server(case.evidence):
        return None
    if questions.script_may_know(setup) and questions.no_key_here(setup):
        raise NotApplicable("there is no usable key here, and the job script may bring its own key or server")
    return questions.key_problem(setup)


def server_is_reachable(case: Case, _: str) -> str | None:
    """The server cannot be reached."""
    setup = _setup(case)
    if reached_server(case.evidence):
        return None
    if "base_url" in setup.script_names:
        raise NotApplicable("the job script names its own server")
    if not setup.network.steps and not setup.network.base_url_problem:
        raise NotChecked("the way to the server was not tried")
    return questions.reach_problem(setup)


def api_key_is_accepted(case: Case, _: str) -> str | None:
    """The server does not accept the key."""
    setup = _setup(case)
    if reached_server(case.evidence):
        return None
    step, refusal = setup.network.step("viewer"), questions.refusal(setup)
    if setup.script_sets_key:
        raise NotApplicable("the job script brings its own key")
    if "base_url" in setup.script_names:
        raise NotApplicable("the job script names its own server")
    if step is None:
        raise NotChecked("the server was not asked about the key")
    if not step.ok and refusal is None:
        raise NotChecked(f"the server did not say: {step.trouble.text if step.trouble else 'no reason given'}")
    return refusal


def project_is_writable(case: Case, _: str) -> str | None:
    """The project cannot be written."""
    setup = _setup(case)
    if reached_server(case.evidence):
        return None
    if {"entity", "base_url"} & set(setup.script_names):
        raise NotApplicable("the job script may choose its own server or entity")
    step, problem = setup.network.step("project"), questions.access_problem(setup)
    if step and not step.ok and problem is None:
        raise NotChecked(f"the server did not say: {step.trouble.text if step.trouble else 'no reason given'}")
    return problem


def mode_is_online(case: Case, _: str) -> str | None:
    """The SDK does not go online."""
    setup = _setup(case, server=False)
    if case.evidence.request.offline:
        raise NotApplicable("the job was asked to run offline")
    if case.server.runs:
        return None
    if offline := [run for run in case.evidence.local.runs if run.offline]:
        return f"the job ran offline: {offline[0].path}"
    return questions.mode_problem(setup)


FILE = "test_1_setup.py"
# A job is not submitted where one of these fails; one that ran all the same speaks for itself.
JOB = ("test_job_was_submitted",)
CHECKS = (
    Check(FILE, "test_api_key_is_configured", api_key_is_configured, brings=JOB),
    Check(FILE, "test_server_is_reachable", server_is_reachable, brings=JOB),
    Check(
        FILE, "test_api_key_is_accepted", api_key_is_accepted, brings=JOB,
        needs=("test_api_key_is_configured", "test_server_is_reachable"),
    ),
    Check(FILE, "test_project_is_writable", project_is_writable, needs=("test_api_key_is_accepted",), brings=JOB),
    Check(FILE, "test_mode_is_online", mode_is_online, brings=JOB),
)  # fmt: skip
