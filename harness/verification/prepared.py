"""What is known before a job is started, and what it will be started with; a preflight ends here."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.evidence.models import Request, Setup
from harness.evidence.network.background import Background
from harness.evidence.setup.interpreter import Asked, ask_interpreter
from harness.evidence.setup.job_settings import JobSettings
from harness.evidence.setup.question import Printed, Question
from harness.settings.model import Settings
from harness.targets import environment as job_environment
from harness.verification.headstart import question_here

if TYPE_CHECKING:
    from harness.loopback.server import LoopbackServer
    from harness.targets.slurm.preflight import Ground


@dataclass(frozen=True)
class Prepared:
    """The setup, and the place and the environment of the job."""

    setup: Setup
    users: Mapping[str, str]
    """The user's environment, with the embedded server's address where that is used."""
    here: JobSettings
    cwd: Path
    ground: "Ground | None"
    """What a Slurm job will find; None for one on this machine."""


def prepare(
    settings: Settings,
    request: Request,
    own: JobSettings,
    server: job_environment.Server | None,
    cwd: Path,
    printed: Callable[[Question], Printed] = Question.ask,
) -> Prepared:
    """Gather all that can be known without a job; `cwd` is where one on this machine would start.

    The job's Python takes about a second to answer: so it is asked before anything else is done.
    """
    users = job_environment.user_environment(own.env, server)
    ground = _slurm_ground(settings, users) if settings.target == "slurm" else None
    cwd = ground.cwd if ground and ground.cwd else cwd
    here = own.moved(users, cwd)
    asked = ground.ask(here) if ground else ask_here(here, settings, printed)
    from harness.evidence.setup.collect import collect_setup

    project = users.get("WANDB_PROJECT", job_environment.PROJECT) if request.job_kind == "builtin" else None
    setup = collect_setup(here, asked, script=settings.job, probe_server=request.wants_server, project=project)
    return Prepared(ground.fitted(setup) if ground else setup, users, here, cwd, ground)


def ask_here(
    here: JobSettings, settings: Settings, printed: Callable[[Question], Printed] = Question.ask
) -> Background[Asked]:
    """Begin to ask the Python that runs a local job."""
    asked = question_here(settings, here.env, here.cwd)
    return Background(lambda: ask_interpreter(asked.interpreter, here, asked.script, printed))


def _slurm_ground(settings: Settings, environment: Mapping[str, str]) -> "Ground":
    from harness.targets.slurm.preflight import Ground

    return Ground(settings, environment)


@contextmanager
def embedded_server(environ: Mapping[str, str]) -> Iterator[job_environment.Server]:
    """Serve the loopback backend for as long as the verification lasts."""
    with loopback_server(environ) as server:
        yield job_environment.Server(server.url, server.api_key)


def loopback_server(environ: Mapping[str, str]) -> "LoopbackServer":
    """Return a loopback backend, not yet started; every entity is the user's there."""
    from harness.loopback.accounts import DEFAULT_TEAMS, Accounts, User
    from harness.loopback.server import LoopbackServer

    user = User(teams=tuple(dict.fromkeys([*DEFAULT_TEAMS, environ.get("WANDB_ENTITY") or DEFAULT_TEAMS[0]])))
    return LoopbackServer(accounts=Accounts((user,), foreign=(), open=True))
