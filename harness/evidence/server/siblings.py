"""Tells which runs beside one that is asked for belong to the same job: made by its other ranks, at the same time."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from harness.evidence.models import ServerRun
from harness.evidence.server.convert import FoundBy, bounded, environment_of, unix, with_internal

TOGETHER_S = 15
"""Ranks that start together call `wandb.init()` within this many seconds."""
TOKEN = re.compile(r"harness-[0-9a-f]{12}")
"""The tag that a verification gives to its job."""
SAME_PROGRAM = ("program", "codePath", "args", "root")
"""What two ranks of one job have in common in the environment that the SDK records."""


def window(run: ServerRun, ids: Sequence[str]) -> dict[str, Any] | None:
    """Return the public API's filter for runs that may be the same job's; None where there is nothing to go by.

    The fields are those that `wandb.Api().runs` documents: `createdAt` in ISO 8601, `tags`, `name`.
    """
    either: list[dict[str, Any]] = []
    if run.created_at is not None:
        moment = datetime.fromtimestamp(run.created_at, tz=timezone.utc)
        first, last = (moment + timedelta(seconds=s) for s in (-TOGETHER_S, TOGETHER_S))
        either.append({"createdAt": {"$gte": _iso(first), "$lte": _iso(last)}})
    if tokens := tokens_of(run.tags):
        either.append({"tags": {"$in": tokens}})
    if ids:
        either.append({"name": {"$in": list(ids)}})
    return {"$or": either} if either else None


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def tokens_of(tags: Sequence[str]) -> list[str]:
    """Return the tokens of verifications among the tags."""
    return [tag for tag in tags if TOKEN.fullmatch(tag)]


def belongs(run: Mapping[str, Any], other: Mapping[str, Any], ids: Sequence[str]) -> FoundBy | None:
    """Say by what another run is known to be of the same job, or None.

    Runs that somebody started on purpose at the same time differ in something: a sweep's in its id, others in their
    config or arguments. So without a token or the job's own word, everything must be the same: user, group, job type,
    program, arguments, config, and the Slurm job, or the host outside Slurm.

    Args:
        run: the run that was asked for, as the `neighbours` question gives it.
        other: another run, as the same question gives it.
        ids: run ids that the job's output names.
    """
    if other["name"] in ids:
        return "id"
    if set(tokens_of(run["tags"])) & set(tokens_of(other["tags"])):
        return "token"
    plain = ("group", "jobType", "username")
    if run["sweepName"] or other["sweepName"] or any(run[key] != other[key] for key in plain):
        return None
    mine, theirs = _config(run), _config(other)
    here, there = environment_of(mine.pop("_wandb", {})), environment_of(theirs.pop("_wandb", {}))
    if not here or mine != theirs or any(here.get(key) != there.get(key) for key in SAME_PROGRAM):
        return None
    jobs = [_job(environment) for environment in (here, there)]
    if jobs[0] != jobs[1]:
        return None
    if jobs[0]:
        return "slurm_job"
    return "window" if here.get("host") and here.get("host") == there.get("host") else None


def neighbour(run: Mapping[str, Any], beside: ServerRun, found_by: FoundBy) -> ServerRun:
    """View a run of a listing; its page is beside that of another run of the project."""
    config = _config(run)
    internal = config.pop("_wandb", {})
    listed = ServerRun(
        entity=beside.entity, project=beside.project, id=run["name"], name=run["displayName"] or "",
        state=run["state"] or "", url=beside.url.removesuffix(beside.id) + run["name"], tags=tuple(run["tags"]),
        created_at=unix(run["createdAt"]), heartbeat_at=unix(run["heartbeatAt"]), group=run["group"],
        job_type=run["jobType"], username=run["username"], found_by=found_by, config=bounded(config),
        rows=run["historyLineCount"], detailed=False,
    )  # fmt: skip
    return with_internal(listed, internal if isinstance(internal, Mapping) else {})


def _config(run: Mapping[str, Any]) -> dict[str, Any]:
    """Read the config as the server stores it: JSON of `{key: {"value": …}}`."""
    try:
        raw = json.loads(run["config"] or "{}")
    except ValueError:
        return {}
    if not isinstance(raw, dict):
        return {}
    return {k: v["value"] if isinstance(v, dict) and "value" in v else v for k, v in raw.items()}


def _job(environment: Mapping[str, Any]) -> str | None:
    slurm = environment.get("slurm")
    return str(slurm["job_id"]) if isinstance(slurm, Mapping) and slurm.get("job_id") else None
