"""Rules for the family init that look at what the SDK takes its settings from: files and variables that it refuses."""

import re
import shlex
from collections.abc import Iterator

from harness.evidence.models import Evidence, PythonError, SettingProblem
from harness.judging.families.network.reach import init_succeeded, shorten
from harness.judging.rule import Hit, Rule
from harness.judging.view import output_lines, passed_through_sdk, python_errors

LOADED = r"(?:Loading|Failed to load) settings from ?(.*)$"
INVALID = re.compile(r"validation errors? for Settings")
UNREAD = r"Error reading settings at (\S+?): (.*)"
SDK_SAYS = re.compile(r"^wandb: (?:WARNING |ERROR )?")
OWN_RULES = frozenset({"mode", "base_url", "api_key", "run_id", "project"})
"""Settings whose bad values have faults of their own, with better advice."""


def file_ignored(evidence: Evidence) -> Iterator[Hit]:
    """The SDK went on without a settings file: it says so itself, asked before the job or in the job's output."""
    found = _asked(evidence) or _printed(evidence)
    if not found:
        return
    files = list(dict.fromkeys(problem.where for problem in found))
    settings = list(dict.fromkeys(problem.setting for problem in found if problem.setting))
    one = next((problem for problem in found if problem.setting and "/" in problem.where), None)
    look = f"cat {shlex.quote(files[0])}" if files[0] else "cat wandb/settings ~/.config/wandb/settings"
    yield Hit(
        id="init-settings-file-ignored",
        observed=tuple(_sentence(problem) for problem in found),
        values={
            "file": files[0] or "its settings file",
            "why": f": it does not take {_and(settings)}" if settings else ", which it cannot read",
            "mend": _mend(one) if one else look,
            "mend_works": "yes" if one and _mend(one).startswith("sed") else "",
        },
    )


def _asked(evidence: Evidence) -> tuple[SettingProblem, ...]:
    """What the SDK told before the job; what was read here where it was not asked."""
    setup = evidence.setup
    if setup is None:
        return ()
    if setup.sdk and setup.sdk.built:
        return setup.sdk.ignored
    if setup.sdk and setup.sdk.refused:  # then it does not go on at all
        return ()
    return tuple(
        SettingProblem(setting="", text=trouble.text, where=trouble.where, outcome="file_unreadable")
        for trouble in setup.mode.file_troubles
    )


def _printed(evidence: Evidence) -> tuple[SettingProblem, ...]:
    """What the job printed: the file, then in the lines after it each setting and what is wrong with it."""
    lines = [SDK_SAYS.sub("", line) for line in output_lines(evidence) if SDK_SAYS.match(line)]
    found: list[SettingProblem] = []
    files: list[str] = []
    for at, line in enumerate(lines):
        if loaded := re.search(LOADED, line):
            files = [loaded[1].strip()] if loaded[1].strip() else [s.strip() for s in lines[at + 1 : at + 3]]
        elif INVALID.search(line) and at + 2 < len(lines):
            text = lines[at + 2].strip().partition(" [type=")[0]
            found.append(
                SettingProblem(
                    setting=lines[at + 1].strip(), text=text, where=", ".join(files), outcome="files_ignored"
                )
            )
        elif unread := re.search(UNREAD, line):
            found.append(SettingProblem(setting="", text=unread[2], where=unread[1], outcome="file_unreadable"))
    return tuple(found)


def refused(evidence: Evidence) -> Iterator[Hit]:
    """The SDK refuses a value, so wandb.init() raises before it does anything."""
    if init_succeeded(evidence):
        return
    sdk = evidence.setup.sdk if evidence.setup else None
    told = [problem for problem in (sdk.refused if sdk else ()) if problem.setting not in OWN_RULES]
    errors = _refusals(evidence, told)
    ran = evidence.job is not None and evidence.job.started_at is not None
    if ran and not errors:
        return
    by_job = [_refused_by(error) for error in errors]
    # A traceback does not say where the value stands; the SDK that was asked before the job may have.
    placed = [problem for problem in _asked(evidence) if problem.setting in {refusal.setting for refusal in by_job}]
    first = next(iter((*told, *placed, *by_job)), None)
    if first is None or first.setting in OWN_RULES:
        return
    quoted = tuple(shorten(f"{error.exception}: {error.message}") for error in errors[:1])
    yield Hit(
        id="init-setting-refused",
        observed=(*(_sentence(problem) for problem in told), *quoted),
        values={
            "place": first.where or "the job's environment",
            "setting": f"{first.setting}: " if first.setting else "",
            "words": first.text,
            "mend": _mend(first),
            "mend_works": "yes" if _mend(first).startswith(("sed", "unset")) else "",
        },
    )


def _refusals(evidence: Evidence, told: list[SettingProblem]) -> tuple[PythonError, ...]:
    """Tracebacks in which the SDK refuses its settings; a class named Settings may be the user's as well."""
    kinds = {problem.text.partition(":")[0] for problem in told}
    settings = {problem.setting for problem in told}
    return tuple(
        error
        for error in python_errors(evidence)
        if (INVALID.search(error.message) and (_refused_by(error).setting in settings or passed_through_sdk(error)))
        or error.exception.rpartition(".")[2] in kinds
    )


def _refused_by(error: PythonError) -> SettingProblem:
    """The first setting that the traceback's message names."""
    _, setting, text, *_ = (*error.message.splitlines(), "", "", "")
    words = text.strip().partition(" [type=")[0]
    return SettingProblem(setting=setting.strip(), text=words, where="", outcome="refused")


def _mend(problem: SettingProblem) -> str:
    """Say how to take the value away."""
    if problem.where.startswith("WANDB_"):
        return f"unset {problem.where}; grep -ns {problem.where} ~/.bashrc ~/.profile *.sh *.sbatch"
    if problem.where and "InterpolationSyntaxError" in problem.text:  # the reader takes %% for one per cent sign
        return f"sed -i 's/%%*/%%/g' {shlex.quote(problem.where)}"
    if problem.where and problem.setting:
        return f"sed -i '/^ *{re.escape(problem.setting)} *[=:]/d' {shlex.quote(problem.where)}"
    return f"grep -n . {problem.where}" if problem.where else "env | grep ^WANDB_"


def _sentence(problem: SettingProblem) -> str:
    named = f"{problem.setting}: " if problem.setting else ""
    return shorten(f"{problem.where}: {named}{problem.text}" if problem.where else f"{named}{problem.text}")


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[:-1] else names)


RULES: tuple[Rule, ...] = (file_ignored, refused)
