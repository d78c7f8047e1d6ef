"""`lumi-wandb preflight`: what can be known without a job: the setup, the server, and a look at the script."""

import os
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from harness.commands.arguments import USAGE_ERROR
from harness.commands.options_help import joined, option_parser
from harness.evidence.models import Evidence
from harness.evidence.redaction.documents import redacted
from harness.evidence.redaction.redactor import Redactor, redact
from harness.evidence.setup.credentials import known_secrets
from harness.evidence.setup.job_settings import read_job_settings
from harness.judging.judge import judge
from harness.judging.symptoms import setup as of_setup
from harness.judging.symptoms.run import BEFORE_A_JOB
from harness.judging.verdict import Verdict
from harness.report.terminal.preflight import told
from harness.settings.exit_codes import EXIT
from harness.settings.model import Settings, SettingsError
from harness.settings.options import OPTIONS
from harness.settings.places import CHECK
from harness.settings.resolve import resolve
from harness.verification.prepared import Prepared, embedded_server, prepare
from harness.verification.verify import request_of

EPILOG = """\
The server is the one that your W&B settings name; `--server loopback` tries the embedded one. Exit codes: 0 W&B would
work, as far as can be known; 1 it would not; 4 wrong usage; 10 something could not be checked.
"""


@dataclass(frozen=True)
class Preflight:
    """What was found without a job."""

    evidence: Evidence
    verdict: Verdict
    slurm: tuple[str, ...] = ()
    """What Slurm and the container tell, in lines."""
    refused: bool = False
    """Whether Slurm would not take the job, or the container cannot run it."""

    @property
    def code(self) -> int:
        """The exit code."""
        return 1 if self.refused else EXIT[self.verdict.verdict]


def main(argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Look, tell, and return the exit code."""
    program = "lumi-wandb preflight"
    parser = option_parser(program, "Say what can be known of W&B without a job: nothing is spent.", EPILOG)
    given = {o.dest: getattr(parser.parse_args(joined(argv)), o.dest) for o in OPTIONS}
    try:
        settings = settings_of(given, environ)
        found = look(settings, environ)
    except SettingsError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return USAGE_ERROR
    sys.stdout.write(written(settings, found))
    return found.code


def settings_of(given: Mapping[str, str | bool | None], environ: Mapping[str, str]) -> Settings:
    """Read the options; the server is the real one unless another is named.

    Raises:
        SettingsError: a value is wrong, or something is asked for that has already run.
    """
    settings = resolve(given, environ, lambda _name: "", Path.cwd(), CHECK)
    if settings.source != "job" or settings.slurm.attach:
        raise SettingsError("preflight looks at what has not run yet: give --job, --lumi or nothing.")
    named = any(given[o.dest] or environ.get(o.variable) for o in OPTIONS if o.flag == "--server")
    return settings if named else replace(settings, server="real")


def written(settings: Settings, found: Preflight) -> str:
    """The report of a preflight, in lines."""
    lines = told(settings, found.evidence, found.verdict, found.slurm, refused=found.refused)
    return "".join(f"{fitted(redact(line))}\n" for line in lines)


def fitted(line: str) -> str:
    """Break a sentence at the width of the terminal; a command, and what nobody reads on a terminal, stays whole."""
    if not sys.stdout.isatty() or line.startswith("      "):
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return "\n".join(
        textwrap.wrap(line, max(40, shutil.get_terminal_size().columns - 1), subsequent_indent=indent) or [""]
    )


def look(settings: Settings, environ: Mapping[str, str]) -> Preflight:
    """Gather what can be known, and judge it."""
    own = read_job_settings(environ, settings.cwd, sdk_version=version("wandb"))
    request = request_of(settings)
    with embedded_server(environ) if settings.server == "loopback" else nullcontext() as server:
        known = prepare(settings, request, own, server, settings.cwd)
    evidence = redacted(Evidence(request=request, setup=known.setup), Redactor(known_secrets(own)))
    lines, refused = _of_slurm(settings, known) if known.ground else ((), False)
    return Preflight(evidence, judge(evidence, checks=(*of_setup.CHECKS, BEFORE_A_JOB)), lines, refused)


def _of_slurm(settings: Settings, known: Prepared) -> tuple[tuple[str, ...], bool]:
    """What Slurm says of the job, and what is known of its container."""
    from harness.targets.slurm.commands import Slurm
    from harness.targets.slurm.container import choose
    from harness.targets.slurm.submission import prepare as submission

    ground, lines, refused = known.ground, [], False
    if ground is None:
        return (), False
    container, image = choose(settings.slurm.container, ground.site), ground.image
    if image is not None:
        python = known.setup.python
        wandb = python.wandb_version if python else None
        refused = not container.exists() or image.certainly_without
        holds = f"wandb {wandb}" if wandb else "no wandb" if image.certainly_without else "a wandb that is not known"
        lines.append(
            f"container: {container}" + (f", with {holds}" if container.exists() else ", which does not exist")
        )
    with tempfile.TemporaryDirectory() as folder:
        sent = submission(settings, Path(folder), known.users, ground.site, container)
        refusal, start = Slurm(known.users).test(sent.argv, sent.env, sent.cwd)
    if refusal:
        lines.append(f"sbatch --test-only: {refusal.err.strip()[:300]}")
    else:
        lines.append("sbatch --test-only: it would be taken" + (f", to start at {start}" if start else ""))
    return tuple(lines), refused or refusal is not None
