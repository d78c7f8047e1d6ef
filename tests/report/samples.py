"""Verdicts to draw: healthy, each kind of failure, very much data, none at all, and hostile names."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

from harness.evidence.models import (
    Evidence,
    Job,
    JobOutput,
    OutputLine,
    RankSeen,
    Request,
    ServerReading,
    SlurmJob,
    SlurmState,
    Span,
    Trouble,
    Watch,
)
from harness.judging.case import Case
from harness.judging.check import Check
from harness.judging.checks import CHECKS
from harness.judging.judge import judge
from harness.judging.outcomes import NotChecked
from harness.judging.verdict import Verdict
from tests.judging.build import (
    disk_series,
    error,
    evidence,
    local,
    local_run,
    log,
    network,
    not_started,
    server,
    server_run,
    server_series,
    setup,
    system,
    with_keys,
)

START = 1_795_461_957.0
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "]]>", "</style></script><svg onload=alert(1)>",
    "\u202egnp.exe\u2066", "\x1b[31mred\x07\x00", "a\u0300" + "\u0301" * 200, "{{ 7*7 }}{% raw %}", "![x](https://evil.example/x)",
    "`rm -rf`|x|", "@everyone #1", "::error::x\n::warning::y%0A", "javascript:alert(1)", "\ud800", "',);DROP TABLE",
)  # fmt: skip


def staged(outcome: Callable[[str], tuple[str, str]]) -> list[Check]:
    """Every check, with an outcome of one's own: `failed`, `not_checked` or `passed`, and the reason."""

    def told(check: Check) -> Check:
        def symptom(_case: Case, parameter: str) -> str | None:
            came_out, reason = outcome(check.instance(parameter))
            if came_out == "not_checked":
                raise NotChecked(reason)
            return reason if came_out == "failed" else None

        return replace(check, symptom=symptom)

    return [told(check) for check in CHECKS]


def judged(found: Evidence, failed: str = "$^", **outcomes: str) -> tuple[Evidence, Verdict]:
    """Judge evidence as if the checks that match had failed, or had come out as told."""

    def outcome(name: str) -> tuple[str, str]:
        came_out = next((o for o, pattern in outcomes.items() if re.search(pattern, name)), "")
        came_out = came_out or ("failed" if re.search(failed, name) else "passed")
        return came_out, {"failed": "what was seen differs", "not_checked": "no answer within 30 s"}.get(came_out, "")

    return found, judge(found, checks=staged(outcome))


def lumi(gpus: int = 8, points: int = 60, **change: object) -> Evidence:
    """A run of the guide's job on LUMI: a queue, eight GCDs of which the odd ones have no power sensor."""
    seconds = [n * 120 / points for n in range(points)]
    series = {}
    for g in range(gpus):
        busy = [0.0 if t < 20 else 92 + 6 * math.sin(t / 7 + g) for t in seconds]
        kinds = {
            "gpu": busy, "memoryAllocated": [min(62.0, t * 2) for t in seconds], "temp": [45 + b / 4 for b in busy],
            "powerWatts": [90 + b * 4 if g % 2 == 0 else 0.0 for b in busy], "powerPercent": [b / 2 for b in busy],
            "memoryReadWriteActivity": [b / 3 for b in busy], "memoryOverDrive": busy, "memoryUsed": busy,
        }  # fmt: skip
        series |= {f"system.gpu.{g}.{k}": system(f"gpu.{g}.{k}", v, 120 / points) for k, v in kinds.items()}
    host = {
        "cpu": [5 + n % 7 for n in range(points)], "memory_percent": [20 + n / 9 for n in range(points)],
        "disk.nvme0n1.in": [n * 3.0 for n in range(points)], "network.recv": [n * 1e5 for n in range(points)],
        "network.sent": [n * 9e4 for n in range(points)],
    }  # fmt: skip
    series |= {f"system.{k}": system(k, v, 120 / points) for k, v in host.items()}
    losses = [(float(n), 2.3 * math.exp(-n / 4) + 0.2) for n in range(10)]
    run = server_run(
        created_at=START + 25, heartbeat_at=START + 150, system=series, rows=10, last_step=9, host="nid005017",
        python_version="3.11.7",
        series={
            "loss": server_series("loss", count=10, numbers=10, last_step=9, last=losses[-1][1], sketch=tuple(losses),
                                  times=tuple(START + 40 + 10 * n for n in range(10))),
            "acc": server_series("acc", count=10, numbers=10, last_step=9, last=61.5,
                                 sketch=tuple((s, 70 - 20 * v) for s, v in losses)),
        },
        config={"learning_rate": 0.001, "architecture": "vit_b_16", "epochs": 10, "batch_size": 32},
    )  # fmt: skip
    slurm = SlurmJob(
        job_id="9000001", final_state="COMPLETED", exit_code="0:0", nodes=("nid005017",), account="project_465000000",
        partition="dev-g", time_limit="00:10:00", elapsed_s=155.0, gpu_hours=0.34, submit_exit_code=0,
        states=(SlurmState(state="PENDING", reason="Priority", at=START - 900), SlurmState(state="RUNNING", at=START),
                SlurmState(state="COMPLETED", at=START + 155)),
    )  # fmt: skip
    ranks = tuple(RankSeen(rank=n, world_size=8, local_rank=n, host="nid005017", device=f"cuda:{n}") for n in range(8))
    tail = tuple(OutputLine(number=n, text=f"Epoch {n}, Loss: {v:.3f}") for n, (_, v) in enumerate(losses, 1))
    job = Job(
        ending="completed", argv=("sbatch", "job.sh"), started_at=START, ended_at=START + 155, exit_code=0, slurm=slurm,
        output=JobOutput(lines=10, size_bytes=1503, ranks=ranks, tail=tail),
    )  # fmt: skip
    return evidence(
        **{
            "request": Request(target="slurm", server="real", job_kind="builtin", nproc=8, expect_points=4),
            "created_at": START + 170, "harness_version": "0.1.0", "job": job, "server": server(run, requests=14),
            "local": local(local_run(log=log(history_rows=10, last_step=9))),
            "spans": (Span(name="preflight", start=START - 905, end=START - 901),
                      Span(name="job", start=START - 900, end=START + 156),
                      Span(name="server", start=START + 156, end=START + 160)),
            "watch": Watch(polls=30, run_visible_s=31, first_point_s=44, first_system_metric_s=33, job_ended_s=155),
            "versions": {"harness": "0.1.0", "reader_sdk": "0.31.0", "python": "3.11.7"},
            **change,
        }
    )  # fmt: skip


def passed() -> tuple[Evidence, Verdict]:
    return judged(lumi(), not_applicable="test_6_sync")


def no_key() -> tuple[Evidence, Verdict]:
    return judged(not_started(setup=setup(credentials=with_keys())), "test_api_key_is_configured")


def duplicates() -> tuple[Evidence, Verdict]:
    one = lumi()
    runs = [
        one.server.runs[0].model_copy(update={
            "id": f"run{n:05}", "url": f"https://wandb.ai/team/vit/runs/run{n:05}", "created_at": START + n / 10
        })
        for n in range(8)
    ]  # fmt: skip
    logs = [one.local.runs[0].model_copy(update={"run_id": run.id, "started_at": START}) for run in runs]
    found = lumi(server=server(*runs), local=local(*logs))
    return judged(found, "test_exactly_one_run")


def lost_rows() -> tuple[Evidence, Verdict]:
    disk = {k: disk_series(k, [2.0 - n / 10 for n in range(10)]) for k in ("loss", "acc")}
    half = {k: server_series(k, sketch=((0.0, 2.0), (1.0, 1.9), (2.0, 1.8)), last=1.8) for k in ("loss", "acc")}
    found = lumi(
        server=server(server_run(series=half, created_at=START + 20)),
        local=local(local_run(log=log(history_rows=10, last_step=9, series=disk))),
    )
    return judged(found, "test_nothing_was_lost|test_series_has_every_point")


def crashed() -> tuple[Evidence, Verdict]:
    tail = tuple(OutputLine(number=n, text=f"    frame {n} of a traceback") for n in range(40, 99))
    job = Job(
        ending="failed", exit_code=1, started_at=START, ended_at=START + 12,
        output=JobOutput(lines=99, tail=tail, errors=(error("RuntimeError", "shapes do not match"),)),
    )  # fmt: skip
    return judged(lumi(job=job, server=server(server_run(state="crashed"))), "test_job_completed|test_run_finished")


def inconclusive() -> tuple[Evidence, Verdict]:
    trouble = Trouble(kind="timeout", text="no answer within 30 s")
    return judged(
        lumi(server=ServerReading(status="failed", trouble=trouble)), not_checked="test_[3456](?!.*init_succeeded)"
    )


def unexplained() -> tuple[Evidence, Verdict]:
    return judged(lumi(), "test_config_is_tracked")


def long_run() -> tuple[Evidence, Verdict]:
    steps = [n * 5025.0 for n in range(199)] + [999_999.0]
    many = {
        name: server_series(name, count=1_000_000, numbers=1_000_000, last_step=999_999, last=0.01,
                            sketch=tuple((s, 9 / (1 + s / 1e4) + math.sin(s)) for s in steps))
        for name in ("loss", "acc", *(f"layer{n}/grad" for n in range(40)))
    }  # fmt: skip
    return judged(lumi(server=server(server_run(series=many, rows=1_000_000, last_step=999_999))))


def many_gpus() -> tuple[Evidence, Verdict]:
    return judged(lumi(gpus=64, points=200))


def nothing() -> tuple[Evidence, Verdict]:
    return Evidence(), judge(Evidence(), checks=())


def hostile() -> tuple[Evidence, Verdict]:
    odd = "\n".join(HOSTILE)
    huge = "x" * 200_000
    lines = tuple(OutputLine(number=n, text=t) for n, t in enumerate((*HOSTILE, huge), 1))
    runs = [
        server_run(entity=h, project=h, id=f"r{n}", name=h, url=h, state=h, config={h: h})
        for n, h in enumerate(HOSTILE)
    ]
    runs.append(server_run(
        id="main", rows=99, name=huge, project=huge, url=f"https://wandb.ai/{huge}",
        config=dict.fromkeys(HOSTILE, huge),
        series={h: server_series(h, last=h) for h in (*HOSTILE, "nan", huge)} | {"loss": server_series(
            "loss", sketch=((0.0, math.nan), (1.0, math.inf), (2.0, 1e308), (3.0, -1e308)), last="NaN")},
        system={f"system.gpu.0.gpu/l:{h}": system(f"gpu.0.gpu/l:{h}", [1, 2, 3]) for h in HOSTILE},
        created_at=1e300,
    ))  # fmt: skip
    job = Job(
        ending="failed", exit_code=1, started_at=math.inf, ended_at=-1e300, argv=HOSTILE, cwd=odd, signal=odd,
        output=JobOutput(lines=9, notable=lines, tail=lines, errors=(error(odd, odd),)),
        slurm=SlurmJob(job_id=odd, states=(SlurmState(state=odd, reason=odd, at=math.nan),), submit_stderr=odd),
    )  # fmt: skip
    found = evidence(
        job=job, server=server(*runs), setup=setup(network=network(base_url=odd, entity=odd, project=huge)),
        request=Request(server="real", job_kind="script", job_path=odd, expect=("loss", *HOSTILE)),
        versions={h: h for h in HOSTILE}, created_at=1e300, harness_version=odd,
        watch=Watch(polls=1, run_visible_s=math.inf, first_point_s=math.nan),
    )  # fmt: skip

    def outcome(name: str) -> tuple[str, str]:
        return "failed" if re.search("present|completed", name) else "passed", odd + huge

    return found, judge(found, checks=staged(outcome))


SAMPLES: Mapping[str, Callable[[], tuple[Evidence, Verdict]]] = {
    f.__name__: cache(f)
    for f in (
        passed, no_key, duplicates, lost_rows, crashed, inconclusive, unexplained, long_run, many_gpus, nothing,
        hostile,
    )
}  # fmt: skip
