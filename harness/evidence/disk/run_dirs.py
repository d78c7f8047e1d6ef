"""Finds the run directories that the SDK made, and reads each of them."""

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from harness.evidence.disk.log_writers import touched_at, writer_of
from harness.evidence.disk.run_files import count_lines, list_files, read_json
from harness.evidence.disk.sdk_logs import read_sdk_logs
from harness.evidence.disk.wandb_log.reader import read_wandb_log
from harness.evidence.models.base import JsonValue, Trouble
from harness.evidence.models.local import LocalReading, LocalRun
from harness.evidence.models.wandb_log import LocalLog

_NAME = re.compile(r"(?P<offline>offline-)?run-(?P<time>\d{8}_\d{6})-(?P<rest>.+)")
_LOG_NAME = re.compile(r"run-(?P<id>.+)\.wandb")
_MOST_CHILDREN = 1000
MOST_OTHERS = 1000
_CLOCK_SLACK_S = 2.0
"""Folder names hold whole seconds, and a file system's clock may differ from ours."""


class _Place(NamedTuple):
    """What the name of a run directory tells."""

    started_at: float | None
    offline: bool
    rest: str


def wandb_folders(env: Mapping[str, str], cwd: Path, root: Path) -> list[Path]:
    """Return where the SDK would put runs, the likeliest folder first; they need not exist.

    Its root folder (see `JobSettings.wandb_root`), in it `.wandb` where that exists, else `wandb`; and the same in the
    system's temporary folder, where the SDK falls back to if it cannot write (wandb_settings.py `wandb_dir`,
    wandb_init.py `try_create_root_dir`, 0.19.5 to 0.31.0).
    """
    root = Path(os.path.normpath(root))
    names = ["wandb", ".wandb"]
    wanted = env.get("WANDB_USE_DOT_WANDB", "").lower()
    dotted = wanted in ("1", "true", "yes", "on") or (not wanted and (root / ".wandb").is_dir())
    if dotted:
        names.reverse()
    found = [root / name for name in names]
    found.extend(_temporary(env, cwd) / name for name in ("wandb", ".wandb"))
    return list(dict.fromkeys(found))


def _temporary(env: Mapping[str, str], cwd: Path) -> Path:
    """The job's temporary folder, by the rule of Python's `tempfile`."""
    named = (env[name] for name in ("TMPDIR", "TEMP", "TMP") if env.get(name))
    for folder in (*named, "/tmp", "/var/tmp", "/usr/tmp"):  # noqa: S108 - tempfile's own list
        if os.access(cwd / folder, os.W_OK):
            return cwd / folder
    return cwd


def find_run_dirs(folder: Path) -> list[Path]:
    """Return the run directories in a folder, oldest first.

    The folder may be a run directory or its `.wandb` file, a `wandb/` folder, the folder above it, or one above
    several such. The link `latest-run` is left out.
    """
    if folder.is_file() and folder.suffix == ".wandb":
        return [folder.parent]
    if _is_run_dir(folder):
        return [folder]
    for places in ([folder], [folder / "wandb", folder / ".wandb"]):
        if found := _sorted(run for place in places for run in _runs_in(place)):
            return found
    children = _children(folder)[:_MOST_CHILDREN]
    return _sorted(run for child in children for name in ("wandb", ".wandb") for run in _runs_in(child / name))


def _is_run_dir(folder: Path) -> bool:
    """Whether this is one by its name or, where it was renamed, by its log."""
    if not folder.is_dir():
        return False
    if _NAME.fullmatch(folder.name):
        return True
    return _log_of(folder) is not None


def _runs_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if _NAME.fullmatch(e.name) and e.is_dir(follow_symlinks=False)]
    except OSError:  # not there, or not ours to read: nothing to find
        return []
    return [folder / name for name in names]


def _children(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(e.path) for e in entries if e.is_dir(follow_symlinks=False))
    except OSError:  # as above
        return []


def _sorted(runs: Iterable[Path]) -> list[Path]:
    def key(path: Path) -> tuple[str, str]:
        match = _NAME.fullmatch(path.name)
        return (match["time"] if match else "", str(path))

    return sorted(runs, key=key)


def snapshot_run_dirs(folders: Sequence[Path]) -> frozenset[str]:
    """Return the run directories that are there now, as absolute paths."""
    return frozenset(str(run.resolve()) for folder in folders for run in _runs_in(folder))


def read_local_run(run_dir: Path, scrub: Callable[[str], str]) -> LocalRun:
    """Read one run directory, whatever its state; never raises for what is there or is not.

    Args:
        run_dir: the directory.
        scrub: takes secrets out of a text.
    """
    place = _place(run_dir)
    run_id = _id_of(run_dir)
    log_file = _log_of(run_dir) or run_dir / f"run-{run_id}.wandb"
    metadata, trouble = read_json(run_dir / "files" / "wandb-metadata.json", scrub)
    log = read_wandb_log(log_file)
    return LocalRun(
        path=str(run_dir),
        run_id=run_id,
        started_at=place.started_at,
        offline=place.offline,
        log=log,
        writer=None if log.has_exit else writer_of(log_file, _host_of(metadata, log), place.started_at),
        touched_at=touched_at((log_file, *(run_dir / "logs" / f"debug{part}.log" for part in ("", "-internal")))),
        synced_marker=log_file.with_name(f"{log_file.name}.synced").exists(),
        syncstate=log_file.with_name(f"{log_file.name}.syncstate").exists(),
        files=list_files(run_dir),
        metadata=metadata or {},
        console_lines=count_lines(run_dir / "files" / "output.log"),
        sdk_logs=read_sdk_logs(run_dir, scrub),
        troubles=(trouble,) if trouble else (),
    )


def _host_of(metadata: Mapping[str, JsonValue] | None, log: LocalLog) -> str | None:
    said = (metadata or {}).get("host") or (log.environment.host if log.environment else "")
    return str(said) if said else None


def _place(run_dir: Path) -> _Place:
    match = _NAME.fullmatch(run_dir.name)
    if match is None:
        return _Place(None, offline=False, rest=run_dir.name)
    try:
        local = datetime.strptime(match["time"], "%Y%m%d_%H%M%S")  # noqa: DTZ007 - the SDK writes local time
        started: float | None = local.timestamp()
    except ValueError:
        started = None
    return _Place(started, offline=bool(match["offline"]), rest=match["rest"])


def _log_of(run_dir: Path) -> Path | None:
    """The run's transaction log: the one that is named like the directory, else the first."""
    try:
        with os.scandir(run_dir) as entries:
            logs = sorted(e.name for e in entries if _LOG_NAME.fullmatch(e.name))
    except OSError:  # the reader of the log says why
        return None
    rest = _place(run_dir).rest
    named = [name for name in logs if rest.startswith(name[len("run-") : -len(".wandb")])]
    return run_dir / max(named, key=len) if named else run_dir / logs[0] if logs else None


def read_local_runs(
    folders: Sequence[Path],
    *,
    before: frozenset[str],
    since: float | None,
    scrub: Callable[[str], str],
    limit: int = 64,
    extra: Sequence[Path] = (),
    whose: Callable[[dict[str, str]], bool | None] = lambda _: None,
) -> LocalReading:
    """Read the run directories that a job left.

    Args:
        folders: `wandb/` folders to look in; they need not exist.
        before: run directories that were there before the job, from `snapshot_run_dirs`.
        since: when the job started, in unix seconds: directories last touched earlier are not its own.
        scrub: takes secrets out of a text.
        limit: how many to read; the others count in the troubles.
        extra: run directories that the job's output announced; they are the job's wherever they are.
        whose: says of the variables of Slurm in a run's metadata whether they are the job's; None: only times tell.
    """
    announced = [path for path in extra if _is_run_dir(path)]
    seen: dict[str, Path] = {str(path.resolve()): path for path in announced}
    ours = set(seen)
    older, others = 0, dict[str, None]()
    for folder in folders:
        for run in _runs_in(folder):
            key = str(run.resolve())
            if key in ours:
                continue
            told = whose(_slurm_in(run))
            if told is False:
                others[_id_of(run)] = None
            if key in before or told is False or (told is None and not _is_of_job(run, since)):
                older += 1
            else:
                seen[key] = run
    runs = _sorted(seen.values())
    troubles = _unreadable(folders)
    if len(runs) > limit:
        words = f"{len(runs)} run directories, of which {limit} were read"
        troubles.append(Trouble(kind="other", text=words))
    there = any(folder.is_dir() for folder in folders) or runs
    status = "unreadable" if troubles and not runs else "read"
    return LocalReading(
        folders=tuple(str(folder) for folder in folders),
        runs=tuple(read_local_run(run, scrub) for run in runs[:limit]),
        older_runs=older,
        others=tuple(others)[:MOST_OTHERS],
        status=status if there else "folder_missing",
        troubles=tuple(troubles),
    )


def _is_of_job(run: Path, since: float | None) -> bool:
    """Whether a new directory is the job's: in a temporary folder that all share, others' runs come and go."""
    try:
        facts = run.stat()
    except OSError:  # gone in the meantime
        return False
    shared = Path(tempfile.gettempdir()) in run.parents
    if shared and facts.st_uid != os.getuid():
        return False
    return since is None or facts.st_mtime >= since - _CLOCK_SLACK_S


def _id_of(run_dir: Path) -> str:
    log_file = _log_of(run_dir)
    match = _LOG_NAME.fullmatch(log_file.name) if log_file else None
    return match["id"] if match else _place(run_dir).rest


def _slurm_in(run: Path) -> dict[str, str]:
    """Slurm's variables in the metadata alone: a folder of many jobs holds many logs."""
    metadata, _ = read_json(run / "files" / "wandb-metadata.json", str)
    slurm = (metadata or {}).get("slurm")
    return {k: str(v) for k, v in slurm.items()} if isinstance(slurm, dict) else {}


def _unreadable(folders: Sequence[Path]) -> list[Trouble]:
    return [
        Trouble(kind="permission", text="cannot be listed", where=str(folder))
        for folder in folders
        if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK)
    ]
