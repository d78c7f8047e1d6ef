"""Builds runs by the values that they logged, for tests of the rules about metrics."""

from harness.evidence.models import Request
from tests.judging import build as b

FALLING = (3.0, 2.0, 1.0)


def request(expect=("loss", "acc"), points=3, **change):
    """Asked of a user's own script: these metrics, this many points of each."""
    return Request(
        server="real", job_kind="script", job_path="train.py", nproc=2, expect=expect, expect_points=points, **change
    )


def online(series, *, expect=("loss", "acc"), points=3, disk=None, sdk="0.31.0", **change):
    """A run on the server with these series, the same on disk unless told otherwise."""
    held = {
        k: b.logged(k, v) if not isinstance(v, dict) else b.logged(k, v.values(), v.keys()) for k, v in series.items()
    }
    own = {
        k: b.disk_series(k, v) if not isinstance(v, dict) else b.disk_series(k, v.values(), v.keys())
        for k, v in (series if disk is None else disk).items()
    }
    count = max((s.count for s in held.values()), default=0)
    on_disk = max((s.count for s in own.values()), default=0)
    log = b.log(series=own, history_rows=on_disk, sdk_version=sdk)
    run = b.server_run(series=held, rows=count, sdk_version=sdk, last_step=count - 1)
    return b.evidence(**{
        "request": request(expect, points), "local": b.local(b.local_run(log=log)), "server": b.server(run), **change,
    })  # fmt: skip
