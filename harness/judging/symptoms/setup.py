"""The setup as checks ask about it: each property is the problem in words, or None."""

from harness.evidence.models import Evidence, Setup
from harness.judging import setup_questions as questions
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.view import final_server, reached_server


class Preflight:
    """What was found before the job; what the job then did itself has the last word."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def _setup(self, *, server: bool = True) -> Setup:
        request, setup = self._evidence.request, self._evidence.setup
        if setup is None:
            raise NotApplicable("no job was started, so there is no setup to judge")
        if server and not request.wants_server:
            raise NotApplicable("the job was asked to run offline, so it needs no server")
        return setup

    @property
    def key_problem(self) -> str | None:
        """Why no usable key would be sent."""
        setup = self._setup()
        if reached_server(self._evidence):
            return None
        if questions.script_may_know(setup) and questions.no_key_here(setup):
            raise NotApplicable("there is no usable key here, and the job script may bring its own key or server")
        return questions.key_problem(setup)

    @property
    def reach_problem(self) -> str | None:
        """Why the server cannot be reached."""
        setup = self._setup()
        if reached_server(self._evidence):
            return None
        if "base_url" in setup.script_names:
            raise NotApplicable("the job script names its own server")
        if not setup.network.steps and not setup.network.base_url_problem:
            raise NotChecked("the way to the server was not tried")
        return questions.reach_problem(setup)

    @property
    def key_refusal(self) -> str | None:
        """Why the server does not accept the key."""
        setup = self._setup()
        if reached_server(self._evidence):
            return None
        step = setup.network.step("viewer")
        if setup.script_sets_key:
            raise NotApplicable("the job script brings its own key")
        if "base_url" in setup.script_names:
            raise NotApplicable("the job script names its own server")
        if step is None:
            raise NotChecked("the server was not asked about the key")
        if not step.ok and questions.refusal(setup) is None:
            raise NotChecked(f"the server did not say: {step.trouble.text if step.trouble else 'no reason given'}")
        return questions.refusal(setup)

    @property
    def access_problem(self) -> str | None:
        """Why the project cannot be written."""
        setup = self._setup()
        if reached_server(self._evidence):
            return None
        if {"entity", "base_url"} & set(setup.script_names):
            raise NotApplicable("the job script names its own server or entity")
        step = setup.network.step("project")
        if step and not step.ok and questions.access_problem(setup) is None:
            raise NotChecked(f"the server did not say: {step.trouble.text if step.trouble else 'no reason given'}")
        return questions.access_problem(setup)

    @property
    def mode_problem(self) -> str | None:
        """Why the SDK does not go online."""
        setup = self._setup(server=False)
        if self._evidence.request.offline:
            raise NotApplicable("the job was asked to run offline")
        if final_server(self._evidence).runs:
            return None
        if offline := [r for r in self._evidence.local.runs if r.offline]:
            return f"the job ran offline: {offline[0].path}"
        return questions.mode_problem(setup)
