"""Builds evidence plainly, for tests of rules: every function gives something healthy that keyword arguments change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.evidence.models import (
    Credentials,
    Evidence,
    HttpTrouble,
    Job,
    JobOutput,
    JobPython,
    KeySource,
    LocalReading,
    LocalRun,
    Mode,
    ModeSource,
    Network,
    OutputLine,
    Place,
    ProbeStep,
    PythonError,
    Request,
    SdkLogs,
    ServerReading,
    ServerRun,
    ServerSeries,
    Setup,
    SystemSeries,
    Trouble,
    Viewer,
)
from harness.evidence.models.wandb_log import LocalLog, RunFacts, SeriesSummary, SystemSeriesSummary
from harness.judging.findings import hits_of
from harness.judging.graph import standard_graph
from harness.judging.rule import Hit, Rule

BASE_URL = "https://api.wandb.ai"
RUN_ID = "abcd1234"


def key(source: str = "WANDB_API_KEY", **change: Any) -> KeySource:
    """One key source; `source` is WANDB_API_KEY, netrc, settings or identity_token."""
    netrc = {"path": "/users/me/.netrc", "host": "api.wandb.ai", "file_mode": "0600"} if source == "netrc" else {}
    return KeySource(**{"source": source, "length": 40, "fingerprint": "0" * 8, **netrc, **change})


def mode(value: str = "online", source: str = "environment", **change: Any) -> Mode:
    """A mode that one source sets."""
    return Mode(**{"sources": (ModeSource(source=source, value=value),), **change})


def network(**change: Any) -> Network:
    """A server that answers every step of the probe, and whose key may write."""
    steps = tuple(ProbeStep(name=n, ok=True) for n in ("dns", "tcp", "tls", "http", "viewer", "project"))
    return Network(
        **{
            "base_url": BASE_URL,
            "steps": steps,
            "viewer": Viewer(username="me", entity="team", teams=("team",)),
            "entity": "team",
            "project": "vit",
            "project_access": "writable",
            **change,
        }
    )


def refused(step: str, kind: str = "auth", text: str = "user is not logged in", status: int | None = 401) -> Network:
    """A server whose probe fails at one step; the steps after it were not made."""
    order = ("dns", "tcp", "tls", "http", "viewer", "project")
    done = tuple(ProbeStep(name=n, ok=True) for n in order[: order.index(step)])  # type: ignore[arg-type]  # names
    trouble = Trouble(kind=kind, text=text, http_status=status)
    failed = ProbeStep(name=step, ok=False, trouble=trouble)  # type: ignore[arg-type]  # one of `order`
    return network(steps=(*done, failed), viewer=None, entity=None, project_access="unknown")


def setup(**change: Any) -> Setup:
    """A key in the environment, mode online, a server that answers, an SDK that is there."""
    return Setup(
        **{
            "credentials": Credentials(
                sources=(key(),), home="/users/me", netrc_path="/users/me/.netrc", netrc_exists=False
            ),
            "network": network(),
            "python": JobPython(
                executable="/usr/bin/python3", python_version="3.12.3", wandb_version="0.31.0", wandb_kind="package",
                core_binary="present",
            ),
            "place": Place(host="nid005001", cwd="/scratch/me", wandb_dir="/scratch/me"),
            **change,
        }
    )  # fmt: skip


def with_keys(*sources: KeySource, **change: Any) -> Credentials:
    """Credentials with these key sources, in order."""
    return Credentials(**{"sources": sources, "home": "/users/me", "netrc_path": "/users/me/.netrc", **change})


def lines(*texts: str) -> tuple[OutputLine, ...]:
    """Numbered lines of output."""
    return tuple(OutputLine(number=n, text=t) for n, t in enumerate("\n".join(texts).split("\n"), 1))


def output(*texts: str, **change: Any) -> JobOutput:
    """Job output of these lines: `wandb:` lines as the SDK's, all of them notable."""
    every = lines(*texts)
    sdk = tuple(line for line in every if line.text.startswith("wandb:"))
    return JobOutput(**{"lines": len(every), "notable": every, "wandb_lines": sdk, **change})


def error(exception: str, message: str, **change: Any) -> PythonError:
    """A traceback's last line."""
    return PythonError(**{"exception": exception, "message": message, "line": 1, **change})


def job(*texts: str, ending: str = "completed", **change: Any) -> Job:
    """A job that printed these lines; a failed one has exit code 1."""
    code = 0 if ending == "completed" else 1
    return Job(**{"ending": ending, "exit_code": code, "output": output(*texts), **change})


def log(**change: Any) -> LocalLog:
    """A complete transaction log with three rows."""
    return LocalLog(
        **{
            "path": f"run-{RUN_ID}.wandb",
            "status": "complete",
            "size_bytes": 4000,
            "run": RunFacts(entity="team", project="vit", run_id=RUN_ID),
            "sdk_version": "0.31.0",
            "history_rows": 3,
            "first_step": 0,
            "last_step": 2,
            "has_exit": True,
            "exit_code": 0,
            **change,
        }
    )


def local_run(**change: Any) -> LocalRun:
    """A run directory of a finished online run."""
    offline = bool(change.get("offline"))
    folder = f"/scratch/me/wandb/{'offline-' if offline else ''}run-20261123_120000-{change.get('run_id', RUN_ID)}"
    return LocalRun(**{"path": folder, "run_id": RUN_ID, "started_at": 1000.0, "log": log(), **change})


def local(*runs: LocalRun, **change: Any) -> LocalReading:
    """The run directories that were found."""
    return LocalReading(**{"folders": ("/scratch/me/wandb",), "runs": runs, "status": "read", **change})


def server_series(name: str, **change: Any) -> ServerSeries:
    """A metric with three numbers at steps 0, 1, 2."""
    sketch = ((0.0, 3.0), (1.0, 2.0), (2.0, 1.0))
    return ServerSeries(
        **{
            "key": name,
            "count": 3,
            "numbers": 3,
            "first_step": 0,
            "last_step": 2,
            "last": 1.0,
            "sketch": sketch,
            **change,
        }
    )


def server_run(**change: Any) -> ServerRun:
    """A finished run with loss and acc."""
    return ServerRun(
        **{
            "entity": "team",
            "project": "vit",
            "id": RUN_ID,
            "name": "Example run",
            "state": "finished",
            "url": f"https://wandb.ai/team/vit/runs/{RUN_ID}",
            "created_at": 1000.0,
            "username": "me",
            "config": {"learning_rate": 0.001},
            "last_step": 2,
            "rows": 3,
            "series": {n: server_series(n) for n in ("loss", "acc")},
            "sdk_version": "0.31.0",
            **change,
        }
    )


def server(*runs: ServerRun, **change: Any) -> ServerReading:
    """What the reader got: these runs."""
    return ServerReading(**{"status": "read", "runs": runs, "runs_total": len(runs), **change})


def evidence(**change: Any) -> Evidence:
    """A healthy online run of a user's own script; every part can be replaced."""
    return Evidence(
        **{
            "request": Request(server="real", job_kind="script", job_path="train.py", nproc=2),
            "setup": setup(),
            "job": job("wandb: Syncing run Example run"),
            "local": local(local_run()),
            "server": server(server_run()),
            **change,
        }
    )


def healthy(**change: Any) -> Evidence:
    """A healthy run of which every check holds; `run` changes the server's view of it."""
    kinds = ("cpu", "memory_percent", "disk.in", "network.sent")
    run = {
        "system": {f"system.{kind}": system(kind, [1.0, 2.0]) for kind in kinds}, "files": ("output.log",),
        "metadata": {"host": "nid005001", "python": "3.12.3"}, **change.pop("run", {}),
    }  # fmt: skip
    return evidence(**{"server": server(server_run(**run)), **change})


def no_run(**change: Any) -> Evidence:
    """Evidence of a job that made no run at all."""
    return evidence(**{"local": local(), "server": server(), "job": job(ending="failed"), **change})


def not_started(**change: Any) -> Evidence:
    """Evidence of preflight alone: the job was not submitted."""
    return evidence(
        **{"local": LocalReading(), "server": ServerReading(), "job": Job(ending="not_submitted"), **change}
    )


def hits(rules: Iterable[Rule], found: Evidence) -> dict[str, Hit]:
    """What these rules say, by fault id."""
    return {hit.id: hit for rule in rules for hit in rule(found)}


def http(text: str = "", status: int | None = None, path: str = "/graphql", **change: Any) -> HttpTrouble:
    """A request of wandb-core that was not answered well."""
    return HttpTrouble(**{"status": status, "path": path, "text": text, **change})


def run_with_http(*troubles: HttpTrouble, rows: int = 0, **change: Any) -> LocalRun:
    """A run directory whose SDK logs hold these requests; without rows, as after a failed wandb.init()."""
    logs = SdkLogs(sdk_version="0.31.0", http=troubles, lines=change.pop("lines", ()))
    empty = {"status": "header_only", "size_bytes": 7, "run": None, "has_exit": False, "exit_code": None}
    return local_run(log=log(history_rows=rows, **({} if rows else empty)), sdk_logs=logs, **change)


def disk_series(name: str, values: Iterable[Any], steps: Iterable[int] = (), **change: Any) -> SeriesSummary:
    """A metric as a transaction log summarises it; "NaN" and "Infinity" are numbers, other texts and dicts are not."""
    every = list(values)
    at = list(steps) or list(range(len(every)))
    odd = ("NaN", "Infinity", "-Infinity")
    numbers = [(s, v) for s, v in zip(at, every, strict=True) if isinstance(v, int | float) or v in odd]
    finite = [v for _, v in numbers if isinstance(v, int | float)]
    return SeriesSummary(
        **{
            "key": name, "count": len(every), "count_number": len(numbers),
            "count_non_finite": len(numbers) - len(finite), "count_other": len(every) - len(numbers),
            "types": {"number": len(numbers)}, "first": numbers[0][1] if numbers else None,
            "last": numbers[-1][1] if numbers else None, "min": min(finite, default=None),
            "max": max(finite, default=None), "constant": len(set(finite)) == 1, "first_step": at[0] if at else None,
            "last_step": at[-1] if at else None, "repeated_steps": 0, "backward_steps": 0,
            "first_non_finite_step": next((s for s, v in numbers if v in odd), None),
            "sketch": tuple(numbers), **change,
        }
    )  # fmt: skip


def disk_system(name: str, values: Iterable[float], every_s: float = 1.0) -> SystemSeriesSummary:
    """A system metric as a transaction log summarises it."""
    found = list(values)
    return SystemSeriesSummary(
        key=name, count=len(found), count_number=len(found), first=found[0], last=found[-1],
        min=min(found), max=max(found), sketch=tuple((n * every_s, v) for n, v in enumerate(found)),
    )  # fmt: skip


def logged(name: str, values: Iterable[Any], steps: Iterable[int] = ()) -> ServerSeries:
    """A metric as the server tells it, of these values; the same words for NaN and others as `disk_series`."""
    disk = disk_series(name, values, steps)
    return server_series(
        name, count=disk.count, numbers=disk.count_number - disk.count_non_finite, non_finite=disk.count_non_finite,
        others=disk.count_other, first_step=disk.first_step, last_step=disk.last_step, last=disk.last,
        sketch=tuple((float(s), float(v)) for s, v in disk.sketch if isinstance(v, int | float)),
    )  # fmt: skip


def system(name: str, values: Iterable[float], every_s: float = 1.0) -> SystemSeries:
    """A system metric as the server tells it."""
    disk = disk_system(name, values, every_s)
    return SystemSeries(
        key=f"system.{name}", count=disk.count, first=disk.first, last=disk.last, minimum=disk.min, maximum=disk.max,
        sketch=disk.sketch,
    )  # fmt: skip


def leading(evidence: Evidence, rules: Iterable[Rule]) -> list[str]:
    """Ids of hits that follow from no other hit, as if every symptom had failed."""
    found = [hit.id for hit in hits_of(evidence, rules)]
    origins = standard_graph().origins
    return [i for i in found if not origins[i] & set(found)]
