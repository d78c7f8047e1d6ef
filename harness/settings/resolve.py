"""What the user asked for: one frozen object from options, environment and ini; wrong values are refused here."""

import glob
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import BaseModel, ConfigDict

from harness.evidence.redaction.redactor import redact
from harness.settings.options import OPTIONS, Option
from harness.settings.places import CHECK_IN_CLONE

EPOCHS = 4
"""Epochs of the built-in job: as many points as each of its series must have."""


CLOUD = "https://api.wandb.ai"
CLOUD_PAGES = ("wandb.ai", "www.wandb.ai", "app.wandb.ai", "api.wandb.ai")
"""Hosts of run pages; the API of the public cloud has a host of its own."""
FORGE_HOSTS = ("forge.coreweave.com", "qa.forge.coreweave.com")
"""The public cloud's newer address (wandb/sdk/lib/urls.py, 0.31): pages at HOST/wandb/…, the API at api.HOST."""


_SLURM_OUTPUT = re.compile(r"slurm-(\d+)")
"""How Slurm names the output of a job by itself."""


class SettingsError(ValueError):
    """A value that cannot be used; the message says what is wrong and what to do, without any key that stood there."""

    def __init__(self, message: str) -> None:
        super().__init__(redact(message))


class SlurmSettings(BaseModel):
    """What a Slurm job is submitted with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: str | None = None
    partition: str = "dev-g"
    nodes: int = 1
    gpus: int = 8
    time: str = "00:10:00"
    container: Path | None = None
    queue_timeout_min: float = 60
    launcher: Literal["torchrun", "srun"] = "torchrun"
    keep: bool = False
    attach: str | None = None
    dry_run: bool = False
    site: Path | None = None
    """A YAML file with what differs from LUMI."""


class Settings(BaseModel):
    """The question, checked; paths are absolute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: Literal["local", "slurm", "none"]
    source: Literal["job", "run", "run_dir", "job_log", "replay"]
    server: Literal["loopback", "real", "none"]
    cwd: Path
    job: Path | None = None
    nproc: int = 2
    offline: bool = False
    sync: bool = False
    run: tuple[str, str, str] | None = None
    """Entity, project and run id."""
    run_server: str | None = None
    run_dir: Path | None = None
    job_log: Path | None = None
    """As it was given: a file, or a pattern."""
    job_logs: tuple[Path, ...] = ()
    replay: Path | None = None
    expect: tuple[str, ...] = ("loss", "acc")
    expect_points: int = 2
    report: Path | None = None
    command: str = CHECK_IN_CLONE
    """What the user types to verify."""
    slurm: SlurmSettings = SlurmSettings()


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
    values = {o.ini: _value(o, command_line, environment, ini) for o in OPTIONS}
    on = {name for name in values if values[name] == "1"}
    source = _source(values)
    lumi = "lumi" in on or bool(values["lumi_attach"]) or "lumi_dry_run" in on
    job = _file(values["wandb_job"], "--job", cwd)
    target: Literal["local", "slurm", "none"] = "none" if source != "job" else "slurm" if lumi else "local"
    if target == "local" and job is not None and job.suffix != ".py":
        raise SettingsError(f"--job {job.name}: a batch script needs --lumi; without it, give a Python script (.py).")
    if "wandb_sync" in on and "wandb_offline" not in on:
        raise SettingsError("--sync uploads an offline run: add --offline, or leave --sync out.")
    run, host = _run(values["wandb_run"])
    points = _number(values["wandb_expect_points"], "--expect-points", least=1, default=0)
    return Settings(
        target=target,
        source=source,
        server=_server(values["wandb_server"], source, lumi),
        cwd=cwd,
        job=job,
        nproc=_number(values["wandb_nproc"], "--nproc", least=1, most=256, default=2),
        offline="wandb_offline" in on,
        sync="wandb_sync" in on,
        run=run,
        run_server=host,
        run_dir=_folder(values["wandb_run_dir"], "--run-dir", cwd),
        job_log=_path(values["wandb_job_log"], "--job-log", cwd),
        job_logs=_logs(values["wandb_job_log"], cwd),
        replay=_file(values["wandb_replay"], "--replay", cwd),
        expect=_metrics(values["wandb_expect"] or ""),
        expect_points=points or (EPOCHS if source == "job" and job is None else 2),
        report=_path(values["wandb_report"], "--report", cwd),
        command=command,
        slurm=_slurm(values, on, cwd),
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
        return option.default
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
        raise SettingsError(f"{' and '.join(flags[w] for w in ways)} exclude each other: give one of them.")
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


def _number(text: str | None, flag: str, *, least: int, default: int, most: int = 10**9) -> int:
    if text is None:
        return default
    if not re.fullmatch(r"-?\d{1,12}", text.strip()) or not least <= int(text) <= most:
        upper = f" and at most {most}" if most < 10**9 else ""
        raise SettingsError(f"{flag}: {text!r} is not a whole number of at least {least}{upper}.")
    return int(text)


def _minutes(text: str, flag: str) -> float:
    if not re.fullmatch(r"\d{1,6}(\.\d+)?", text.strip()) or not float(text):
        raise SettingsError(f"{flag}: {text!r} is no number of minutes above 0.")
    return float(text)


def _expanded(text: str, flag: str) -> str:
    try:
        return str(Path(text).expanduser())
    except RuntimeError:  # no such user, or a container whose user has neither an account nor HOME
        raise SettingsError(f"{flag}: {text} begins with a home folder that is not known here; write it out.") from None


def _path(text: str | None, flag: str, cwd: Path) -> Path | None:
    return (cwd / _expanded(text, flag)).absolute() if text else None


def _file(text: str | None, flag: str, cwd: Path) -> Path | None:
    path = _path(text, flag, cwd)
    if path and not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "is not there"
        raise SettingsError(f"{flag}: {path} {what}; give the path of an existing file.")
    return path


def _logs(text: str | None, cwd: Path) -> tuple[Path, ...]:
    """Return the files of the job's output: one, or those that a pattern means, such as one of each rank."""
    if not text:
        return ()
    if not glob.has_magic(text) or (cwd / text).exists():
        path = _file(text, "--job-log", cwd)
        return (path,) if path else ()
    names = sorted(glob.glob(_expanded(text, "--job-log"), root_dir=cwd))  # noqa: PTH207 - Path.glob() wants no "/…"
    found = tuple(path for name in names if (path := (cwd / name).absolute()).is_file())
    if not found:
        raise SettingsError(f"--job-log: no file is called {text}.")
    jobs = {match[1] for path in found if (match := _SLURM_OUTPUT.match(path.name))}
    if len(jobs) > 1:
        raise SettingsError(f"--job-log: {text} means the output of {len(jobs)} jobs; judge one at a time.")
    return found


def _folder(text: str | None, flag: str, cwd: Path) -> Path | None:
    path = _path(text, flag, cwd)
    if path and not path.exists():
        raise SettingsError(f"{flag}: {path} is not there; give a wandb/ folder or one run directory in it.")
    if path and not path.is_dir():
        raise SettingsError(f"{flag}: {path} is a file; give the folder that holds it.")
    return path


def _metrics(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(n.strip() for n in text.split(",") if n.strip()))
    if not names:
        raise SettingsError("--expect: no metric is named; give names joined by commas, such as loss,acc.")
    return names


def _run(text: str | None) -> tuple[tuple[str, str, str] | None, str | None]:
    """Read ENTITY/PROJECT/RUN_ID or the run's page; a page also tells the server."""
    if not text:
        return None, None
    parts = urlsplit(text) if "://" in text else None
    pieces = [unquote(p) for p in (parts.path if parts else text).split("/") if p]
    prefix: list[str] = []
    if "runs" in pieces[2:]:
        at = pieces.index("runs", 2)
        prefix, pieces = pieces[: at - 2], [*pieces[at - 2 : at], *pieces[at + 1 : at + 2]]
    if len(pieces) != 3 or any(re.search(r"[\x00-\x1f\"'<>\\]", p) for p in pieces):
        raise SettingsError(f"--run: {text!r} names no run; give ENTITY/PROJECT/RUN_ID or the run's URL.")
    run = (pieces[0], pieces[1], pieces[2])
    if parts is None:
        return run, None
    return run, _api_of(parts, prefix)


def _api_of(page: SplitResult, prefix: list[str]) -> str:
    """Return the API's address for a run's page; the other way round it is `api_to_app_url` in wandb/util.py."""
    host = page.hostname or ""
    if host in CLOUD_PAGES:
        return CLOUD
    if host in FORGE_HOSTS or host.removeprefix("api.") in FORGE_HOSTS:
        return f"https://api.{host.removeprefix('api.')}"
    # A server of one's own has its pages at the API's address, or at app. where the API is at api.
    netloc = re.sub(r"^app\.", "api.", page.netloc.rpartition("@")[2])
    return "/".join([f"{page.scheme}://{netloc}", *prefix])


def _site_facts(site: Path | None) -> tuple[str, int]:
    """The site's usual partition and the GPUs of a node; without a file they are LUMI's, and none is loaded."""
    if site is None:
        lumi = SlurmSettings()
        return lumi.partition, lumi.gpus
    from harness.settings.site import load_site

    facts = load_site(site)
    return facts.partition, facts.gpus_per_node


def _slurm(values: Mapping[str, str | None], on: set[str], cwd: Path) -> SlurmSettings:
    site = _file(values["lumi_site"], "--lumi-site", cwd)
    usual, gpus_per_node = _site_facts(site)
    account, partition = values["lumi_account"], values["lumi_partition"] or usual
    for flag, value in (("--lumi-account", account), ("--lumi-partition", partition)):
        if value and not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
            raise SettingsError(f"{flag}: {value!r} is no Slurm name; use letters, digits, _ . and -.")
    time = values["lumi_time"] or "00:10:00"
    if not re.fullmatch(r"(\d+-)?\d{1,3}(:\d{1,2}){0,2}", time):
        raise SettingsError(f"--lumi-time: {time!r} is no Slurm time; write HH:MM:SS or minutes.")
    if not re.search(r"[1-9]", time):
        raise SettingsError("--lumi-time: 0 means no limit to Slurm, and no bound on the cost; give the time needed.")
    attach = values["lumi_attach"]
    if attach and not re.fullmatch(r"\d+(_\d+)?", attach):
        raise SettingsError(f"--lumi-attach: {attach!r} is no Slurm job id; give the number that sbatch printed.")
    launcher: Literal["torchrun", "srun"] = "srun" if values["lumi_launcher"] == "srun" else "torchrun"
    return SlurmSettings(
        account=account,
        partition=partition,
        nodes=_number(values["lumi_nodes"], "--lumi-nodes", least=1, most=1024, default=1),
        gpus=_number(values["lumi_gpus"], "--lumi-gpus", least=1, most=gpus_per_node, default=gpus_per_node),
        time=time,
        container=_path(values["lumi_container"], "--lumi-container", cwd),
        queue_timeout_min=_minutes(values["lumi_queue_timeout"] or "60", "--lumi-queue-timeout"),
        launcher=launcher,
        keep="lumi_keep" in on,
        attach=attach,
        dry_run="lumi_dry_run" in on,
        site=site,
    )
