"""What the verdict tells beside causes and checks: the runs of the job, and how long the phases took."""

from harness.judging.case import Case
from harness.judging.verdict import RunSummary


def run_summaries(case: Case) -> tuple[RunSummary, ...]:
    """List the job's runs: those on the server, and those that only the disk has."""
    found = [
        RunSummary(entity=r.entity, project=r.project, id=r.id, name=r.name, state=r.state, url=r.url, source="server")
        for r in case.server.runs
    ]
    known = {r.id for r in found}
    for local in case.evidence.local.runs:
        facts = local.log.run
        if local.run_id not in known:
            found.append(
                RunSummary(
                    entity=facts.entity if facts else "",
                    project=facts.project if facts else "",
                    id=local.run_id,
                    name=facts.display_name if facts else "",
                    state="offline" if local.offline else local.log.status,
                    url="",
                    source="local",
                )
            )
    return tuple(found)


def timings(case: Case) -> dict[str, float]:
    """Seconds of each phase, and when the run and its first points were seen, since the job began."""
    found = {f"{s.name}_s": round(s.end - s.start, 3) for s in case.evidence.spans if s.end is not None}
    if waited := case.server.waited_s:
        found["reads_waited_s"] = waited
    if watch := case.evidence.watch:
        seen = {
            "run_visible_s": watch.run_visible_s, "first_point_s": watch.first_point_s,
            "first_system_metric_s": watch.first_system_metric_s, "job_ended_s": watch.job_ended_s,
        }  # fmt: skip
        found |= {name: round(value, 3) for name, value in seen.items() if value is not None}
    return found
