"""Asks the job's Python, in one process, which `wandb` it would import and what the SDK itself is set to there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.evidence.models.base import JsonValue, Trouble
from harness.evidence.models.setup import JobPython, SdkSettings, SettingProblem
from harness.evidence.redaction.redactor import clean
from harness.evidence.setup.credentials import fingerprint
from harness.evidence.setup.job_settings import SAID, JobSettings
from harness.evidence.setup.question import MARK, PACKAGES, Interpreter, Printed, Question

_FIRST_CORE = (0, 18)
"""Since this SDK wandb-core is what runs; older ones may do without."""
_MOST_WARNINGS = 10
_LONGEST_TEXT = 300
_OTHER_NAMES = {
    "root_dir": "WANDB_DIR", "run_name": "WANDB_NAME", "run_notes": "WANDB_NOTES", "run_tags": "WANDB_TAGS",
    "run_job_type": "WANDB_JOB_TYPE", "x_graphql_timeout_seconds": "WANDB_HTTP_TIMEOUT",
    "x_file_transfer_timeout_seconds": "WANDB_FILE_PUSHER_TIMEOUT", "email": "WANDB_USER_EMAIL",
    "app_url_override": "WANDB_APP_URL", "x_service_transport": "WANDB_SERVICE_TRANSPORT",
}  # fmt: skip
"""Settings whose variable has another name (`Settings.update_from_env_vars`, 0.19 to 0.31)."""


@dataclass(frozen=True)
class Asked:
    """What the job's Python answered."""

    python: JobPython | None = None
    sdk: SdkSettings = field(default_factory=SdkSettings)
    aside: str = ""
    """What else it, or what starts it, printed."""

    @property
    def version(self) -> str | None:
        """The version of the SDK."""
        return self.python.wandb_version if self.python else None


def ask_interpreter(
    interpreter: Interpreter,
    settings: JobSettings,
    script: Path | None,
    printed: Callable[[Question], Printed] = Question.ask,
) -> Asked:
    """Ask it in the job's folder and environment; `printed` asks, or knows already what was printed."""
    name = interpreter.name
    try:
        output, errors, code = printed(Question(interpreter, settings.cwd, settings.env, script))
    except OSError as error:
        kind = {FileNotFoundError: "missing", PermissionError: "permission"}.get(type(error), "other")
        return _unknown(name, Trouble(kind=kind, text=error.strerror or type(error).__name__, where=name))
    late = Trouble(kind="timeout", text=f"no answer within {interpreter.patience_s:.0f} s", where=name)
    answers = list(_answers(output))
    words = clean(errors.strip()[-400:], 400) or f"exit code {code}"
    if not answers:
        return _unknown(name, late if code is None else Trouble(kind="other", text=words, where=name))
    python = _python(name, answers[0])
    aside = "\n".join(line for line in output.splitlines() if not line.startswith(MARK))
    if len(answers) > 1:
        return Asked(python, _sdk(answers[1], settings, name), aside)
    if python.wandb_kind != "package":
        trouble = Trouble(kind="missing", text="it finds no SDK to ask", where=name)
    else:
        trouble = late if code is None else Trouble(kind="other", text=words, where=name)
    return Asked(python, SdkSettings(trouble=trouble), aside)


def _unknown(name: str, trouble: Trouble) -> Asked:
    return Asked(JobPython(executable=name, trouble=trouble), SdkSettings(trouble=trouble))


def _answers(output: str) -> Iterator[dict[str, JsonValue]]:
    """The marked lines of the output, which `sitecustomize` and the like may add to."""
    for line in output.splitlines():
        if line.startswith(MARK):
            try:
                answer = json.loads(line.removeprefix(MARK))
            except ValueError:
                continue
            if isinstance(answer, dict):
                yield answer


def _python(name: str, answer: dict[str, JsonValue]) -> JobPython:
    versions: dict[str, str] = answer["versions"]
    known = JobPython(
        executable=name,
        python_version=answer["python"],
        torch_version=versions.get("torch"),
        packages={package: versions[package] for package in PACKAGES if package in versions},
    )
    if "origin" not in answer:
        return known.model_copy(update={"wandb_kind": "missing"})
    location = answer["origin"]
    if answer["namespace"]:
        return known.model_copy(update={"wandb_kind": "namespace_folder", "wandb_location": location})
    if not answer["sdk"]:
        return known.model_copy(update={"wandb_kind": "file", "wandb_location": location})
    version = versions.get("wandb")
    return known.model_copy(
        update={
            "wandb_kind": "package",
            "wandb_location": location,
            "wandb_version": version,
            "core_binary": _core(version, present=answer["core"]),
        }
    )


def _core(version: str | None, *, present: bool) -> str:
    """An old SDK without the binary misses nothing."""
    if present:
        return "present"
    numbers = tuple(int(part) for part in (version or "").split(".")[:2] if part.isdigit())
    return "missing" if numbers >= _FIRST_CORE else "unknown"


def _sdk(answer: dict[str, JsonValue], read: JobSettings, name: str) -> SdkSettings:
    """The SDK's word; where a value comes from is told by what was read here."""
    trouble = answer.get("trouble")
    said = {key: clean(value, _LONGEST_TEXT) for key, value in answer.get("settings", {}).items() if value is not None}
    key = answer.get("key", {})
    given = {name: fingerprint(value) for name, value in read.env.items() if name.startswith("WANDB_")}
    there = answer["variables"]
    changed = sorted(name for name in {*given, *there} if given.get(name) != there.get(name))
    return SdkSettings(
        **{name: said.get(name) for name in SAID},
        key_length=key.get("length"),
        key_fingerprint=key.get("fingerprint"),
        problems=(*_problems(answer["problems"], read), *(_unreadable(read) if said else ())),
        warnings=tuple(clean(text, _LONGEST_TEXT) for text in answer["warnings"][:_MOST_WARNINGS]),
        changed_variables=tuple(clean(name, 100) for name in changed),
        trouble=Trouble(kind="other", text=clean(trouble, _LONGEST_TEXT), where=name) if trouble else None,
    )


def _problems(told: list[dict[str, str]], read: JobSettings) -> Iterator[SettingProblem]:
    for problem in told:
        setting = problem["setting"]
        yield SettingProblem(
            setting=clean(setting, 100),
            text=clean(problem["text"], _LONGEST_TEXT),
            where=clean(_place(setting, read, variables=problem["outcome"] == "refused"), _LONGEST_TEXT),
            outcome=problem["outcome"],
        )


def _place(setting: str, read: JobSettings, *, variables: bool) -> str:
    """The variable or the file that gives the setting; both files where it is not one setting that is wrong."""
    names = {_OTHER_NAMES.get(setting, f"WANDB_{setting.upper()}"), f"WANDB_{setting.upper().removeprefix('X')}"}
    if variables and (name := next((name for name in sorted(names) if name in read.env), None)):
        return name
    holding = [str(file.path) for file in read.files if setting in file.values]
    there = [str(file.path) for file in read.files if file.values or file.trouble]
    return next(iter(holding), ", ".join(there))


def _unreadable(read: JobSettings) -> Iterator[SettingProblem]:
    """Files that the SDK found and could not read, which it goes on without."""
    for file in read.files:
        if file.trouble:
            yield SettingProblem(setting="", text=file.trouble.text, where=str(file.path), outcome="file_unreadable")
