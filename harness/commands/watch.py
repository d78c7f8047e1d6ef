"""`lumi-wandb watch`: judges running jobs again and again, one line each, and says when something breaks."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from harness.commands.arguments import USAGE_ERROR, Parser
from harness.evidence.models import Trouble
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.setup.credentials import api_key_in_use, known_secrets
from harness.evidence.setup.job_settings import JobSettings, read_job_settings
from harness.settings.exit_codes import EXIT
from harness.settings.model import SettingsError
from harness.settings.report_folder import USUAL
from harness.settings.site import load_site
from harness.targets.slurm.commands import Slurm
from harness.targets.slurm.facts import outputs_shown
from harness.watch.alone import BusyError, alone
from harness.watch.ledger import Ledger
from harness.watch.lines import history
from harness.watch.listing import Answered, Listing
from harness.watch.on_disk import OnDisk
from harness.watch.queue import mine, queued
from harness.watch.screen import Lines, Screen, view
from harness.watch.subjects import Subject, subject_of
from harness.watch.track import Track
from harness.watch.verifying import Judged, Verifier
from harness.watch.watcher import MANY, Watcher

PROGRAM = "lumi-wandb watch"
FIND_S = 60.0
"""Seconds between two looks for runs that began meanwhile."""
COMMAND_S = 60.0
VERIFIES = "harness.commands.verifier"
"""The module that verifies for the watch, in a process of its own: not imported here, where it would take memory."""
LAST_S, LAST_LOOK_S, ENOUGH_S = 15.0, 2.0, 8.0
"""Told to end by SIGTERM (Slurm's time limit, or the batch script), it waits so long for runs to end, with so many
seconds between two looks, and verifies for at most so long after that: Slurm gives 30 s before it kills."""
EPILOG = """\
CMD of --on-problem is run by bash once when a problem comes, and once when it is mended, with HARNESS_WATCH_EVENT
(problem, mended), HARNESS_WATCH_JOB, HARNESS_WATCH_FAULT, HARNESS_WATCH_TEXT and HARNESS_WATCH_VERDICT (the path of
verdict.json) in its environment. Exit codes: 0 all that was watched works; 1 something is wrong; 4 wrong usage; 10
something could not be read.
"""


def parser() -> Parser:
    """The command line."""
    import argparse

    made = Parser(
        prog=PROGRAM, description="Judge running jobs again and again.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    made.add_argument(
        "what", nargs="*", metavar="RUN|JOBID|DIR", help="a run or its page, a Slurm job, a wandb/ folder"
    )
    made.add_argument("--project", metavar="ENTITY/PROJECT", help="every run of a project that runs")
    made.add_argument(
        "--user", nargs="?", const="", metavar="NAME",
        help="only this user's runs of --project, or this user's Slurm jobs (default: your own)",
    )  # fmt: skip
    made.add_argument("--once", action="store_true", help="look once, judge and end, as for cron")
    made.add_argument("-q", "--quiet", action="store_true", help="write only what is wrong: else cron sends no mail")
    made.add_argument("--until", default="end", metavar="end|problem|DURATION", help="when to stop (end); 90s, 30m, 2h")
    made.add_argument("--on-problem", metavar="CMD", help="a command to run when something breaks, or is mended")
    made.add_argument("--expect", metavar="METRIC,…", help="the series to find, as of check")
    made.add_argument("--report", type=Path, metavar="DIR", help="folder of ledger and verdicts (.harness/watch)")
    made.add_argument("--history", action="store_true", help="list what was watched before, and end")
    return made


def main(argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Watch; returns the exit code."""
    command = parser()
    options = command.parse_args(argv)
    cwd = Path.cwd()
    folder = cwd / (options.report or Path(USUAL) / "watch")
    if not options.history and not options.what and options.project is None and options.user is None:
        command.error("name a run, a Slurm job or a folder, or give --project ENTITY/PROJECT.")
    try:
        ends_at = until(options.until, time.time())
        with ExitStack() as stack:
            if options.once:
                asks = (*sorted(options.what), f"--project={options.project}", f"--user={options.user}")
                stack.enter_context(alone(folder, asks))
            ledger = Ledger(folder)
            stack.callback(ledger.close)
            if options.history:
                sys.stdout.write(history(ledger.jobs()))
                return 0
            own = read_job_settings(environ, cwd, sdk_version=version("wandb"))
            servers = stack.enter_context(_servers(own))
            slurm = Slurm(environ)
            finder = Finder(options.project, options.user, servers, slurm)
            subjects = [subject_of(text, time.time(), cwd) for text in options.what] + finder.new(())
            given = {"wandb_expect": options.expect} if options.expect else {}
            verifier = Verifier(folder, environ, cwd, given, VERIFIES)
            stack.callback(verifier.stop)
            watcher = Watcher(
                subjects, servers.ask, lambda ids: queued(slurm, ids),
                OnDisk(Redactor(known_secrets(own)).text, lambda job: outputs_shown(slurm.show(job), job)).look,
                verifier.verify, ledger, Teller(options.on_problem, environ).tell, options.once, verifier.show,
                load_site(verifier.settings().slurm.site).gpu_hours_per_gpu, verifier.rest,
            )  # fmt: skip
            shown = view(quiet=options.quiet)
            return _watch(watcher, finder, verifier, shown, ends_at, stop_at_problem=options.until == "problem")
    except BusyError as busy:
        sys.stderr.write(f"{PROGRAM}: {busy}\n")
        return EXIT["inconclusive"]
    except SettingsError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n".replace(f"{PROGRAM}: watch: ", f"{PROGRAM}: "))
        return USAGE_ERROR
    except OSError as error:
        why = f"{folder} cannot be written ({error.strerror or error}); name another folder with --report."
        sys.stderr.write(f"{PROGRAM}: {why}\n")
        return USAGE_ERROR


def until(text: str, now: float) -> float | None:
    """Return when to stop at the latest; None where the jobs say so.

    Raises:
        SettingsError: it is no duration.
    """
    if text in ("end", "problem"):
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text)
    if match is None:
        raise SettingsError(f"--until: {text!r} is neither end nor problem nor a duration such as 90s, 30m, 2h.")
    return now + float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}[match[2]]


def _watch(
    watcher: Watcher, finder: "Finder", verifier: Verifier, shown: Lines | Screen, ends_at: float | None,
    *, stop_at_problem: bool,
) -> int:  # fmt: skip
    looked_for = time.time()
    told_to_end = threading.Event()

    def end(_signal: int, _frame: object) -> None:
        if told_to_end.is_set():
            raise KeyboardInterrupt
        told_to_end.set()
        verifier.give_up()

    before = signal.signal(signal.SIGTERM, end)
    try:
        while True:
            due = watcher.round(time.time())
            now = time.time()
            shown.show(watcher.subjects, now)
            if told_to_end.is_set():
                last_look(watcher, verifier)
                shown.show(watcher.subjects, time.time())
                return watcher.code
            over = all(s.ended for s in watcher.subjects) and (watcher.once or not finder.goes_on)
            if over or (stop_at_problem and watcher.code == 1) or (ends_at is not None and now >= ends_at):
                return watcher.code
            times = (max(due, now + 1.0), ends_at, looked_for + FIND_S if finder.goes_on else None)
            wake = min(t for t in times if t is not None)
            told_to_end.wait(max(0.2, wake - now))
            if finder.goes_on and time.time() - looked_for >= FIND_S:
                looked_for = time.time()
                for subject in finder.new([s.name for s in watcher.subjects]):
                    watcher.add(subject)
    except KeyboardInterrupt:
        return watcher.code
    finally:
        shown.close()
        signal.signal(signal.SIGTERM, before)


def last_look(watcher: Watcher, verifier: Verifier) -> None:
    """Give the runs a moment to end, and verify each, as far as the time allows: did everything arrive?"""
    ends_at = time.time() + LAST_S
    enough = threading.Timer(LAST_S + ENOUGH_S, verifier.give_up)
    enough.start()
    verifier.again()
    while time.time() < ends_at and any(s.state == "running" for s in watcher.hurried()):
        watcher.round(time.time())
        time.sleep(LAST_LOOK_S)
    if len(watcher.hurried()) <= MANY:
        watcher.once = True
        watcher.round(time.time())
    enough.cancel()


@dataclass
class Finder:
    """Finds what to watch by project or by user; looks again while the watch goes on."""

    project: str | None
    user: str | None
    servers: "Servers"
    slurm: Slurm

    @property
    def goes_on(self) -> bool:
        """Whether there may be more to watch later."""
        return self.project is not None or self.user is not None

    def new(self, known: Sequence[str]) -> list[Subject]:
        """Return what is not watched yet.

        Raises:
            SettingsError: the project is none.
        """
        now, found = time.time(), []
        if self.project is not None:
            parts = self.project.strip("/").split("/")
            if len(parts) != 2 or not all(parts):
                raise SettingsError(f"--project: {self.project!r} is no project; give ENTITY/PROJECT.")
            user = self.servers.me() if self.user == "" else self.user
            answer = self.servers.own.running(parts[0], parts[1], user)
            if answer.trouble and not known:
                raise SettingsError(f"--project: {answer.trouble.text}.")
            found = [Subject(f"{self.project}/{r.id}", "run", Track(now), run=(parts[0], parts[1], r.id))
                     for r in answer.runs]  # fmt: skip
        elif self.user is not None:
            found = [Subject(job, "job", Track(now)) for job in mine(self.slurm, self.user or None)]
        return [subject for subject in found if subject.name not in known]


class Servers:
    """The servers of the watched runs; each is asked with the key that is used for it here."""

    def __init__(self, own: JobSettings, stack: ExitStack) -> None:
        self._settings, self._stack = own, stack
        self._made: dict[str, Listing | None] = {}

    @property
    def own(self) -> Listing:
        """The server that the user's W&B settings name.

        Raises:
            SettingsError: there is no key for it.
        """
        url = self._settings.base_url()[0]
        if (found := self._listing(url)) is None:
            raise SettingsError(f"there is no API key for {url} here: set WANDB_API_KEY, or run wandb login.")
        return found

    def me(self) -> str | None:
        """Return the key's owner."""
        return self.own.me()

    def _listing(self, url: str) -> Listing | None:
        if url not in self._made:
            key = api_key_in_use(self._settings, url)
            self._made[url] = Listing(url, key, self._settings.env) if key else None
            if (made := self._made[url]) is not None:
                self._stack.callback(made.close)
        return self._made[url]

    def ask(self, server: str | None, entity: str, project: str, ids: Sequence[str], system: bool) -> Answered:
        """Ask for runs of a project, with system metrics or without; without a key that is the answer."""
        url = server or self._settings.base_url()[0]
        listing = self._listing(url)
        if listing is None:
            return Answered(trouble=Trouble(kind="auth", text=f"there is no API key for {url} here"))
        answer = listing.runs(entity, project, ids, system=system)
        if answer.trouble is not None and answer.trouble.kind == "auth":
            listing.close()  # a new key may come with `wandb login`: it is read again at the next look
            del self._made[url]
        return answer


@contextmanager
def _servers(own: JobSettings) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(own, stack)


class Teller:
    """Runs the user's command when a problem comes or goes."""

    def __init__(self, command: str | None, environ: Mapping[str, str]) -> None:
        self._command, self._environ = command, dict(environ)

    def tell(self, event: str, subject: Subject, judged: Judged | None) -> None:
        """Run it; that it fails is told, and ends nothing."""
        if self._command is None or event not in ("problem", "mended"):
            return
        told = {
            "HARNESS_WATCH_EVENT": event, "HARNESS_WATCH_JOB": subject.name, "HARNESS_WATCH_FAULT": subject.problem,
            "HARNESS_WATCH_TEXT": subject.words,
            "HARNESS_WATCH_VERDICT": judged.path if judged else "",
        }  # fmt: skip
        try:
            done = subprocess.run(
                ["bash", "-c", self._command], env={**self._environ, **told}, check=False, timeout=COMMAND_S,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
            failed = f"exit code {done.returncode}" if done.returncode else ""
        except subprocess.TimeoutExpired:
            failed = f"no end within {COMMAND_S:.0f} s"
        except OSError as error:
            failed = error.strerror or str(error)
        if failed:
            sys.stderr.write(f"{PROGRAM}: the command of --on-problem failed: {failed}\n")
