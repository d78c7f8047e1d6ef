"""The facts below the pictures: runs, configuration, versions, job, Slurm, server; plain rows of names and values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.evidence.models import Evidence, Request, SlurmJob
from harness.evidence.redaction.visible import block, clean
from harness.judging.metric_series import main_run
from harness.judging.verdict import Verdict
from harness.judging.view import final_server
from harness.report.attempts import told as told_attempt
from harness.report.html.found_facts import on_disk, on_nodes
from harness.report.html.rows import Row, told
from harness.report.roles import told_roles
from harness.report.text import clock, link, number, plural, seconds, size

MOST_ROWS = 40
MOST_RUNS = 16
TAIL = 30


@dataclass(frozen=True)
class Facts:
    """Facts of one kind."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class RunRow:
    """One run."""

    path: str
    url: str | None
    name: str
    state: str
    source: str


def subject(request: Request) -> str:
    """Say what was judged."""
    if request.source == "run":
        return f"the run {clean(request.run_path, 200)}"
    if request.source == "run_dir":
        return f"run directory {clean(request.run_dir, 200)}"
    if request.source == "job_log":
        return f"job output {clean(request.job_log, 200)}"
    job = clean(request.job_path, 200) if request.job_path else "the built-in DDP ViT job"
    where = "on Slurm" if request.target == "slurm" else "on this machine"
    ranks = f", {plural(request.world_size, 'rank')}" if request.world_size else ""
    return f"{job} {where}{ranks}" + (", W&B offline" if request.offline else "")


def job_in_short(evidence: Evidence) -> str:
    """Say when the job ran and how it ended; empty where there was none."""
    job = evidence.job
    if job is None or job.ending == "unknown":
        return ""
    name = f"Job {clean(job.slurm.job_id, 40)}" if job.slurm and job.slurm.job_id else "Job"
    ending = job.ending.replace("_", " ")
    if job.started_at is None:
        return f"{name}: {ending}."
    after = f" after {seconds(job.ended_at - job.started_at)}" if job.ended_at is not None else ""
    return f"{name}: started {clock(job.started_at)}, {ending}{after}."


def runs_of(verdict: Verdict) -> list[RunRow]:
    """List the runs; addresses that may be followed become links."""
    return [
        RunRow(
            path="/".join(clean(part, 80) for part in (run.entity, run.project, run.id) if part),
            url=link(run.url), name=clean(run.name, 80), state=clean(run.state, 40), source=run.source,
        )
        for run in verdict.runs[:MOST_RUNS]
    ]  # fmt: skip


def facts_of(evidence: Evidence, verdict: Verdict) -> list[Facts]:
    """Gather the facts; kinds without any are left out."""
    found = [
        Facts("Job", tuple(_job(evidence))),
        Facts("Slurm", tuple(_slurm(evidence.job.slurm)) if evidence.job and evidence.job.slurm else ()),
        Facts("Attempts", tuple(_attempts(verdict))),
        Facts("Metrics", tuple(told({"judged": told_roles(evidence) or None}))),
        Facts("W&B server", tuple(_server(evidence))),
        Facts("On disk", tuple(on_disk(evidence))),
        Facts("GPUs", tuple(on_nodes(evidence))),
        Facts("W&B settings", tuple(_settings(evidence))),
        Facts("Run configuration", tuple(_config(evidence))),
        Facts("Versions", tuple(_versions(evidence, verdict))),
        Facts("Timings", tuple(Row(_words(k), seconds(v)) for k, v in list(verdict.timings.items())[:MOST_ROWS])),
    ]
    return [f for f in found if f.rows]


def _job(evidence: Evidence) -> Iterable[Row]:
    job = evidence.job
    if job is None:
        return
    place = evidence.setup.place if evidence.setup else None
    ended = clock(job.ended_at)
    if job.started_at is not None and job.ended_at is not None:
        ended += f", after {seconds(job.ended_at - job.started_at)}"
    ranks = sorted({r.rank for r in job.output.ranks})
    output = f"{plural(job.output.lines, 'line')}, {size(job.output.size_bytes)}" if job.output.lines else None
    yield from told(
        {
            "ended as": job.ending.replace("_", " "),
            "exit code": job.exit_code,
            "signal": job.signal,
            "started": clock(job.started_at) if job.started_at is not None else None,
            "ended": ended if job.ended_at is not None else None,
            "command": " ".join(job.argv),
            "in folder": job.cwd,
            "submitted from" if job.slurm else "host": place.host if place else None,
            "ranks that joined": ", ".join(map(str, ranks)),
            "stopped by the harness": job.stopped_by_harness,
            "API key, as the SDK printed it, from": ", ".join(job.output.credentials_from),
            "output": output,
        }
    )


def _slurm(slurm: SlurmJob) -> Iterable[Row]:
    if slurm.submit_stderr.strip():
        yield Row("sbatch said", clean(slurm.submit_stderr, 600))
    yield from (Row("could not be asked", clean(trouble.text, 300)) for trouble in slurm.troubles)
    for state in slurm.states[:MOST_ROWS]:
        yield Row(clean(state.state + (f" ({state.reason})" if state.reason else ""), 120), clock(state.at))
    facts: Mapping[str, object] = {
        "job id": slurm.job_id, "final state": slurm.final_state, "exit code": slurm.exit_code,
        "account": slurm.account, "partition": slurm.partition, "nodes": ", ".join(slurm.nodes),
        "time limit": slurm.time_limit, "elapsed": seconds(slurm.elapsed_s) if slurm.elapsed_s is not None else None,
        "GPU-hours": number(slurm.gpu_hours) if slurm.gpu_hours is not None else None,
        "largest memory of a task": slurm.max_rss, "requeued": f"{slurm.restarts} times" if slurm.restarts else None,
        "container": slurm.container, "batch script": slurm.script_path,
    }  # fmt: skip
    yield from told(facts)
    yield from (Row(f"step {clean(s.id, 40)}", clean(f"{s.state} {s.exit_code}", 80)) for s in slurm.steps[:12])


def _attempts(verdict: Verdict) -> Iterable[Row]:
    for one in verdict.attempts[:MOST_ROWS]:
        yield Row(clock(one.started_at), told_attempt(one))


def _server(evidence: Evidence) -> Iterable[Row]:
    network, reading = evidence.setup.network if evidence.setup else None, final_server(evidence)
    if network and evidence.request.wants_server:
        url = clean(network.base_url)
        yield Row("address", url, link(network.base_url))
        if network.viewer:
            admin = " (an administrator)" if network.viewer.admin else ""
            yield Row("logged in as", clean(network.viewer.username, 80) + admin)
        yield from told({"version": network.server_version})
        if network.entity or network.project:
            access = network.project_access.replace("_", " ")
            yield Row("project", f"{clean(network.entity, 80)}/{clean(network.project, 80)} ({access})")
        for step in network.steps:
            went = seconds(step.seconds) if step.ok else clean(step.trouble.text if step.trouble else "failed")
            yield Row(f"probe: {step.name}", f"{'ok' if step.ok else 'FAILED'}, {went}")
    if reading.status != "not_asked":
        yield Row("read back", reading.status + (f": {clean(reading.trouble.text)}" if reading.trouble else ""))
        yield Row("requests made", f"{reading.requests:,}")
        yield Row("waited for late data", seconds(reading.waited_s))
        yield from (Row("could not be read", clean(t.text)) for t in reading.partial[:6])
    if evidence.watch:
        watch = evidence.watch
        yield Row("looks while the job ran", f"{watch.polls:,}, of which {watch.failed_polls:,} failed")


def _settings(evidence: Evidence) -> Iterable[Row]:
    """What the SDK was set to before the job, by its own word, and what it said about it."""
    sdk = evidence.setup.sdk if evidence.setup else None
    if evidence.setup is None or sdk is None:
        return
    python, key = evidence.setup.python, evidence.setup.credentials.winning
    asked = f"the SDK itself{f', in {python.executable}' if python else ''}"
    yield from told(
        {
            "told by": f"files and variables; the SDK told nothing: {sdk.trouble.text}" if sdk.trouble else asked,
            "mode": sdk.mode,
            "server": sdk.base_url,
            "entity": sdk.entity,
            "project": sdk.project,
            "console": sdk.console,
            "folder of wandb/": sdk.root_dir,
            "API key from": (key.path or key.source) if key else None,
            "changed by Python or its container": ", ".join(sdk.changed_variables),
        }
    )
    yield from (Row("not taken", clean(f"{p.where}: {p.setting} {p.text}", 600)) for p in sdk.problems)
    yield from (Row("the SDK warned", clean(text, 300)) for text in sdk.warnings)


def _config(evidence: Evidence) -> Iterable[Row]:
    run = main_run(evidence)
    config = (run.log.config if hasattr(run, "log") else run.config) if run else {}
    rows = [Row(clean(k, 80), clean(v, 160)) for k, v in sorted(config.items()) if not k.startswith("_")]
    yield from rows[:MOST_ROWS]
    if len(rows) > MOST_ROWS:
        yield Row(f"and {len(rows) - MOST_ROWS} more", "in evidence.json")


def _versions(evidence: Evidence, verdict: Verdict) -> Iterable[Row]:
    for name, version in list(verdict.versions.items())[:MOST_ROWS]:
        yield Row(_words(name), clean(version, 60))
    python = evidence.setup.python if evidence.setup else None
    if python:
        core = python.core_binary if python.core_binary != "unknown" else ""
        yield from told({
            "job: Python": python.python_version, "job: wandb": python.wandb_version, "job: wandb-core": core,
            "job: torch": python.torch_version,
        })  # fmt: skip
        yield from (Row(f"job: {clean(n, 40)}", clean(v, 60)) for n, v in list(python.packages.items())[:10])
    for version in evidence.job.output.sdk_versions[:3] if evidence.job else ():
        yield Row("job printed: wandb", clean(version, 60))


def _words(name: str) -> str:
    return clean(name.removesuffix("_s").replace("_", " "), 60)


def last_words(evidence: Evidence) -> str:
    """The end of the job's output, and lines before it that look like trouble."""
    if evidence.job is None:
        return ""
    output = evidence.job.output
    lines = {line.number: f"{line.prefix}{line.text}" for line in (*output.notable[:TAIL], *output.tail[-TAIL:])}
    told: list[str] = []
    before = 0
    for n in sorted(lines):
        if before and n > before + 1:
            told.append("…")
        told.append(f"{n:>5}  {lines[n][:600]}")
        before = n
    return block("\n".join(told), 12_000)
