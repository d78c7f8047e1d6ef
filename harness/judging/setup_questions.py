"""Can a job log at all? Judged before GPU hours are spent; the checks of `test_1_setup.py` ask the same questions."""

from collections.abc import Callable, Mapping

from harness.evidence.models import JobPython, Request, Setup

ONLINE = ("online", "run", "shared")


def script_may_know(setup: Setup) -> bool:
    """Whether the job script may bring a key of its own, or mean another server."""
    return setup.script_sets_key or "base_url" in setup.script_names


def key_problem(setup: Setup) -> str | None:
    """Say why no usable key would be sent, or None; a script that may know better is left to the job."""
    return None if script_may_know(setup) else no_key_here(setup)


def no_key_here(setup: Setup) -> str | None:
    """Say why there is no usable key outside of the script, or None."""
    winning = setup.credentials.winning
    if winning is None and setup.sdk and setup.sdk.key_length == 0:
        return "no API key: the SDK finds none for the server, neither in WANDB_API_KEY nor in netrc nor in its files"
    if winning is None:
        return "no API key: WANDB_API_KEY is not set and no netrc entry fits the server"
    if winning.problem:
        return f"the key from {winning.source} is malformed: {winning.problem.replace('_', ' ')}"
    return None


def sdk_problem(python: JobPython | None) -> str | None:
    """Say why no run can come of what the job's interpreter would import as `wandb`, or None."""
    if python is None:
        return None
    words = {
        "file": f"would import {python.wandb_location} as wandb",
        "namespace_folder": f"finds no SDK, and would import the folder {python.wandb_location} as wandb",
        "missing": "finds no package named wandb",
    }
    if python.wandb_kind == "package" and python.core_binary == "missing":
        return f"{python.wandb_location} has no wandb-core, so no run can start"
    return f"{python.executable} {words[python.wandb_kind]}" if python.wandb_kind in words else None


def reach_problem(setup: Setup) -> str | None:
    """Say why the server cannot be reached, or None; which one is meant is the script's affair where it names one."""
    if "base_url" in setup.script_names:
        return None
    if setup.network.base_url_problem:
        return setup.network.base_url_problem
    failed = next((s for s in setup.network.steps if not s.ok and s.name in ("dns", "tcp", "tls", "http")), None)
    if failed is None:
        return None
    words = failed.trouble.text if failed.trouble else "no reason given"
    return f"{setup.network.base_url} cannot be reached ({failed.name}): {words}"


def refusal(setup: Setup) -> str | None:
    """Say why the server does not accept the key, or None."""
    if script_may_know(setup):
        return None
    step = setup.network.step("viewer")
    if step is None or step.ok or step.trouble is None or step.trouble.kind != "auth":
        return None
    return f"{setup.network.base_url} refuses the key: {step.trouble.text}"


def access_problem(setup: Setup) -> str | None:
    """Say why the project cannot be written, or None; which one is meant is the script's affair where it says so."""
    if {"entity", "base_url"} & set(setup.script_names):
        return None
    words = {
        "read_only": "may be read but not written with this key",
        "no_such_entity": "belongs to an entity that the server does not know",
        "forbidden": "is closed to this key",
    }
    access = words.get(setup.network.project_access)
    return f"{setup.network.entity}/{setup.network.project or '…'} {access}" if access else None


def mode_problem(setup: Setup) -> str | None:
    """Say why the SDK would not go online, or None; a script that may set a mode has the last word."""
    if setup.mode.script_decides:
        return None
    winning = setup.mode.winning
    if winning.value in ONLINE:
        return None
    inside = "the environment that Python or its container makes" if winning.source == "interpreter" else None
    return f"the mode is {winning.value!r}, set by {inside or winning.path or winning.source}"


Question = Callable[[Setup], str | None]


def blockers(setup: Setup, request: Request) -> Mapping[str, str]:
    """Return the setup checks that fail for certain, with the reason; empty if the job is worth submitting.

    What the job script may decide by itself is left to the job. An offline job needs no server.
    """
    questions: dict[str, Question] = {}
    if request.wants_server:
        questions |= {
            "test_api_key_is_configured": key_problem, "test_api_key_is_accepted": refusal,
            "test_server_is_reachable": reach_problem, "test_project_is_writable": access_problem,
        }  # fmt: skip
    if not request.offline:
        questions["test_mode_is_online"] = mode_problem
    answers = {name: question(setup) for name, question in questions.items()}
    return {name: reason for name, reason in answers.items() if reason}
