"""Builds the settings from options, environment and ini file; wrong values are refused here."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from harness.settings.job import arguments, job_of
from harness.settings.model import AUTO, EPOCHS, ROLES, Settings, SettingsError
from harness.settings.options import OPTIONS, Option
from harness.settings.places import CHECK_IN_CLONE
from harness.settings.rehearsal import rehearsals
from harness.settings.run_path import run_path
from harness.settings.slurm import slurm_settings
from harness.settings.values import (
    existing_folder,
    job_logs,
    metric_names,
    path_of,
    saved_evidence,
    whole_number,
)


def resolve(
    command_line: Mapping[str, str | bool | None],
    environment: Mapping[str, str],
    ini: Callable[[str], str],
    cwd: Path,
    command: str = CHECK_IN_CLONE,
) -> Settings:
    """Build the settings: the command line wins over the environment, which wins over the ini file.

    Raises:
        SettingsError: a value is wrong, or two options contradict each other.
    """
    told = {o: _value(o, command_line, environment, ini) for o in OPTIONS}
    try:
        return _settings(told, command_line, cwd, command)
    except SettingsError as error:
        raise SettingsError(f"{error}{_origins(str(error), told, command_line, environment)}") from None


def _origins(
    words: str, told: Mapping[Option, str | None], command_line: Mapping[str, object], environment: Mapping[str, str]
) -> str:
    """Say where the options come from that a refusal speaks of, and that nobody typed."""
    named = (o for o in OPTIONS if re.search(rf"(?<![\w-]){o.flag}(?![\w-])", words))
    apart = (o for o in named if told[o] is not None and command_line.get(o.dest) in (None, False))
    places = (f"{o.flag} stands in {o.variable if environment.get(o.variable) else 'the ini file'}" for o in apart)
    found = "; ".join(places)
    return f" ({found})" if found else ""


def _settings(
    told: Mapping[Option, str | None], command_line: Mapping[str, str | bool | None], cwd: Path, command: str
) -> Settings:
    values = {o.ini: o.default if told[o] is None else told[o] for o in OPTIONS}
    on = {name for name in values if values[name] == "1"}
    source = _source(values)
    lumi = "lumi" in on or bool(values["lumi_attach"]) or "lumi_dry_run" in on
    target: Literal["local", "slurm", "none"] = "none" if source != "job" else "slurm" if lumi else "local"
    job, module = job_of(values["wandb_job"], cwd, here=target == "local")
    builtin = source == "job" and job is None and not values["lumi_attach"]
    expect = values["wandb_expect"] or (",".join(ROLES) if builtin else AUTO)
    if "wandb_sync" in on and "wandb_offline" not in on:
        raise SettingsError("--sync uploads an offline run: add --offline, or leave --sync out.")
    asked = rehearsals(values, on, source, job)
    run, host = run_path(values["wandb_run"])
    points = whole_number(values["wandb_expect_points"], "--expect-points", least=1, default=0)
    return Settings(
        target=target,
        source=source,
        server=_server(values["wandb_server"], source, lumi),
        cwd=cwd,
        job=job,
        job_module=module,
        job_args=arguments(values["wandb_job_args"], job=job),
        nproc=whole_number(values["wandb_nproc"], "--nproc", least=1, most=256, default=2),
        offline="wandb_offline" in on,
        sync="wandb_sync" in on,
        rehearse=asked.rehearse,
        outages=asked.outages,
        requeues=asked.requeues,
        run=run,
        run_server=host,
        run_dir=existing_folder(values["wandb_run_dir"], "--run-dir", cwd),
        job_log=path_of(values["wandb_job_log"], "--job-log", cwd),
        job_logs=job_logs(values["wandb_job_log"], cwd, alone=source == "job_log"),
        try_cure="wandb_try_cure" in on and source == "job",
        replay=saved_evidence(values["wandb_replay"], cwd),
        expect=ROLES if expect.strip() == AUTO else metric_names(expect),
        expect_auto=expect.strip() == AUTO,
        expect_points=points or (EPOCHS if builtin else 2),
        report=path_of(values["wandb_report"], "--report", cwd),
        command=command,
        # What stands in the environment or in an ini file speaks of no job in particular.
        given={o.flag: v for o, v in told.items() if v is not None and command_line.get(o.dest) is not None},
        slurm=slurm_settings(values, on, cwd),
    )


def _value(
    option: Option, command_line: Mapping[str, str | bool | None], env: Mapping[str, str], ini: Callable[[str], str]
) -> str | None:
    given = command_line.get(option.dest)
    text = ("1" if given else None) if isinstance(given, bool) else given
    where = option.flag
    if text == "":
        raise SettingsError(f"{where}: the value is empty; see whether the variable that you put there is set.")
    if text is None and env.get(option.variable):
        text, where = env[option.variable], option.variable
    if text is None and ini(option.ini):
        text, where = ini(option.ini), f"{option.ini} in the ini file"
    if text is None:
        return None
    if option.kind == "switch":
        return _switch(text, where)
    if option.choices and text not in option.choices:
        raise SettingsError(f"{where}: {text!r} is not one of {', '.join(option.choices)}.")
    return text


def _switch(text: str, where: str) -> str | None:
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return "1"
    if lowered in ("0", "false", "no", "off", ""):
        return None
    raise SettingsError(f"{where}: {text!r} is neither true nor false.")


def _source(values: Mapping[str, str | None]) -> Literal["job", "run", "run_dir", "job_log", "replay"]:
    ways = [n for n in ("wandb_replay", "wandb_run", "wandb_run_dir") if values[n]]
    flags = {o.ini: o.flag for o in OPTIONS}
    if len(ways) > 1:
        raise SettingsError(f"{' and '.join(flags[w] for w in ways)} cannot be combined: give one of them.")
    if ways and (
        clash := [n for n in ("lumi", "lumi_attach", "lumi_dry_run", "wandb_job", "wandb_offline") if values[n]]
    ):
        raise SettingsError(
            f"{flags[ways[0]]} looks at what already ran; it starts no job, so leave {flags[clash[0]]} out."
        )
    if ways == ["wandb_replay"]:
        return "replay"
    if ways == ["wandb_run"]:
        return "run"
    if ways == ["wandb_run_dir"]:
        return "run_dir"
    return "job_log" if values["wandb_job_log"] and not values["wandb_job"] and not values["lumi"] else "job"


def _server(given: str | None, source: str, lumi: bool) -> Literal["loopback", "real", "none"]:
    if source in ("run_dir", "job_log", "replay"):
        return "none"
    if source == "run" or lumi:
        if given == "loopback":
            raise SettingsError("--server loopback serves local jobs only: leave it out with --lumi or --run.")
        return "real"
    return "real" if given == "real" else "loopback"
