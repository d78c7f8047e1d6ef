"""The pytest plugin: options, header, hooks; thin, and costs nothing to import."""

import gc
import os
import shutil
import sys
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from harness.commands.arguments import misspelt
from harness.commands.caller import GIVEN
from harness.commands.options_help import to_join
from harness.settings.exit_codes import EXIT
from harness.settings.model import Settings, SettingsError
from harness.settings.options import OPTIONS
from harness.settings.places import CHECK, CHECKS, usual_check
from harness.settings.resolve import resolve

pytest_plugins = ["harness.checking.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each with an ini twin."""
    if near := misspelt(sys.argv[1:], [o.flag for o in OPTIONS]):
        parser.extra_info["did you mean"] = ", ".join(near.values())  # shown where pytest refuses an option
    if apart := to_join(sys.argv[1:]):
        parser.extra_info["write it in one word"] = " ".join(apart)
    group = parser.getgroup("W&B verification (pytest checks)")
    for o in OPTIONS:
        twins = f"{o.help} [ini {o.ini}, environment {o.variable}]"
        if o.kind == "switch":
            group.addoption(o.flag, dest=o.dest, action="store_true", default=None, help=twins)
        else:
            group.addoption(o.flag, dest=o.dest, metavar=o.metavar or "VALUE", default=None, help=twins)
        parser.addini(o.ini, o.help, type="string", default="")


def _runs_checks(config: pytest.Config) -> bool:
    start = config.invocation_params.dir
    paths = [(start / a.split("::")[0]).resolve() for a in config.args]
    return any(p == CHECKS or CHECKS in p.parents or p == CHECKS.parent for p in paths)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the options before anything is collected."""
    if not _runs_checks(config):
        return
    from harness.checking.foreign import refused
    from harness.checking.stash import KEY
    from harness.report.terminal.live import live_view
    from harness.settings.report_folder import USUAL, remove_earlier, report_folder
    from harness.targets.interrupts import Interrupts
    from harness.verification.headstart import Headstart, asked_ahead
    from harness.verification.session import Session

    if gc.get_freeze_count():  # an earlier verification of this process froze what it held at its end
        gc.unfreeze()
        gc.collect()
    # At the end it would import the whole of Hypothesis, to say whether a property test failed.
    config.pluginmanager.unregister(name="hypothesispytest")
    if why := refused(config):
        raise pytest.UsageError(why)
    interrupts = Interrupts()
    interrupts.install()
    config.add_cleanup(interrupts.restore)
    headstart = Headstart(meanwhile=_get_ready)
    try:
        settings = _settings(config)
        saved = None
        if settings.replay:
            from harness.verification.saved_evidence import load

            saved = load(settings.replay)
        if config.option.collectonly or config.option.showfixtures:
            folder, left_behind, first = settings.cwd, [], False
        else:
            from harness.verification import missing_parts

            missing_parts.refuse(settings)
            first = settings.report is None and not (settings.cwd / USUAL).exists()
            folder = report_folder(settings.report, settings.cwd)
            headstart = replace(headstart, printed=asked_ahead(settings, folder, os.environ))
            from harness.verification import abandoned

            left_behind = abandoned.found(folder, settings.cwd)
            abandoned.put(folder)
            config.add_cleanup(lambda: abandoned.take_away(folder))
            remove_earlier(folder, keep=settings.replay)
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[KEY] = Session(
        settings, folder, progress=lambda: live_view(config), gathered=saved,
        arguments=config.stash.get(GIVEN, config.invocation_params.args), interrupts=interrupts,
        left_behind=tuple(left_behind), first=first, headstart=headstart,
    )  # fmt: skip


def _get_ready() -> None:
    """Import what judges and reports before the job ends: in that moment it is wanted."""
    from harness.report.write import get_ready

    get_ready()


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """In place of a session: print the batch script where a dry run is asked for, or judge each of several jobs.

    Raises:
        pytest.UsageError: a setting is wrong.
    """
    if not _runs_checks(config) or config.option.help:
        return None
    try:
        settings = _settings(config)
        if settings.slurm.dry_run:
            return _dry_run(settings)
        jobs = _jobs(settings)
        return _each(config, settings, jobs) if len(jobs) > 1 else None
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from None


def _jobs(settings: Settings) -> tuple[str, ...]:
    if settings.slurm.attach is None or shutil.which("squeue") is None:
        return ()
    from harness.verification.several_jobs import jobs_of

    return jobs_of(settings)


def _each(config: pytest.Config, settings: Settings, jobs: Sequence[str]) -> int:
    from harness.settings.report_folder import report_folder
    from harness.verification.several_jobs import command_of, judge_each

    command = command_of(config.stash.get(GIVEN, None), config.invocation_params.args)
    folder = report_folder(settings.report, settings.cwd)

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    return judge_each(jobs, command, folder, say)


def _dry_run(settings: Settings) -> int:
    from harness.commands.preflight import look, written
    from harness.targets.slurm.dryrun import show

    code = show(settings, os.environ)
    sys.stderr.write(written(settings, look(settings, os.environ)))
    return code


def _settings(config: pytest.Config) -> Settings:
    given = {o.dest: getattr(config.option, o.dest, None) for o in OPTIONS}
    logs = [a for a in config.args if given["harness_wandb_job_log"] and not a.partition("::")[0].endswith(".py")]
    if logs := [a for a in logs if (config.invocation_params.dir / a).is_file()]:  # the shell took a pattern apart
        raise SettingsError(
            f"--job-log takes one file, and {logs[0]} came after it; quote the pattern: 'slurm-7-*.out'."
        )
    command = CHECK if GIVEN in config.stash else usual_check()
    start = config.invocation_params.dir
    return resolve(given, os.environ, lambda name: str(config.getini(name) or ""), start, command)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Tell of verifications that were killed; keep GitHub Actions from taking words of a job's output for commands."""
    from harness.checking.stash import KEY

    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if KEY in session.config.stash and terminal:
        from harness.report.github import hold

        for line in (*session.config.stash[KEY].left_behind, *hold(session.config.stash[KEY].token, os.environ)):
            terminal.write_line(line)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what is about to be verified."""
    from harness.checking.stash import KEY

    if KEY not in config.stash:
        return []
    from harness.report.terminal.header import header

    mine = config.stash[KEY]
    return header(mine.settings, first_report=mine.folder if mine.first else None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one check for each expected metric."""
    from harness.checking.stash import KEY

    if "metric" in metafunc.fixturenames and KEY in metafunc.config.stash:
        metafunc.parametrize("metric", metafunc.config.stash[KEY].expect)


def _is_check(item: pytest.Item) -> bool:
    return _holds_checks(item.path.parent)


@cache
def _holds_checks(folder: Path) -> bool:
    return folder.resolve().is_relative_to(CHECKS)  # a clone may be reached through a link, as on Lustre


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Gather and judge the evidence, then leave out each check that has nothing to ask."""
    if not _is_check(item):
        return
    from harness.checking.outcomes import check_name, stop_early
    from harness.checking.stash import session_of

    if result := session_of(item.config).result(check_name(item)):
        stop_early(result)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the judge's outcome of a check, with cause and cure."""
    if not _is_check(item):
        return (yield)
    from harness.checking.outcomes import check_name, result_of
    from harness.checking.stash import session_of
    from harness.report.terminal.outcomes import annotate, rewrite

    session = session_of(item.config)
    result = result_of(check_name(item), call, session)
    if result:
        annotate(item, result, session)
    report = yield
    if result:
        rewrite(report, result, item, session)
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Show a check that could not be made as an error, not as a failure."""
    from harness.report.terminal.outcomes import status_of

    return status_of(report) if isinstance(report, pytest.TestReport) else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Let no interrupt break in between the last check and the reports: pytest would show a traceback."""
    from harness.checking.stash import KEY

    try:
        return (yield)
    finally:
        if mine := session.config.stash.get(KEY, None):
            mine.interrupts.close()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the reports and set the exit code."""
    from harness.checking.stash import KEY

    mine = session.config.stash.get(KEY, None)
    if mine is None:
        return
    mine.interrupts.close()
    mine.interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
    if mine.broken is not None and exitstatus == pytest.ExitCode.TESTS_FAILED:
        session.exitstatus = EXIT["inconclusive"]
    if mine.judged is None or mine.interrupted:  # no check was made, or not every one
        return
    from harness.report.write import finish

    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    mine.try_cures(terminal.write_line if terminal else lambda _line: None)
    finish(mine, mine.judged, mine.arguments)
    gc.freeze()  # pytest collects garbage five times before it ends: a quarter of a second for what is here to stay
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = EXIT[mine.judged.verdict]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show one cause and one cure, and where the reports are."""
    from harness.checking.stash import KEY

    mine = config.stash.get(KEY, None)
    if mine is None or config.option.collectonly:
        return
    from harness.report.terminal.summary import interruption, summary

    if mine.interrupted:
        interruption(terminalreporter, mine)
    summary(terminalreporter, mine)
