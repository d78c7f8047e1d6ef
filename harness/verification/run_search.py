"""Where the runs of a job may be on the server: from what the job printed, what it left on disk, and what was asked."""

from harness.evidence.models import JobOutput, LocalReading, Request, Setup
from harness.evidence.server.find import Where
from harness.judging.metric_roles import likely_first
from harness.targets.environment import PROJECT

UNNAMED = "uncategorized"
"""The SDK's project for runs that name none."""
MOST_IDS = 100


def where_to_look(request: Request, setup: Setup | None, output: JobOutput | None, local: LocalReading) -> Where:
    """Return projects, most likely first, and the ids by which the job's runs are recognised beside the token."""
    network = setup.network if setup else None
    viewer = network.viewer if network else None
    entity = (network.entity if network else None) or (viewer.entity if viewer else None) or ""
    links = output.links if output else ()
    logged = [run.log.run for run in local.runs if run.log.run]
    projects: list[tuple[str, str]] = [(link.entity, link.project) for link in links]
    projects += [(run.entity or entity, run.project or UNNAMED) for run in logged]
    if network and network.project:
        projects.append((entity, network.project))
    elif request.job_kind == "builtin":
        projects.append((entity, PROJECT))
    ids = [link.run_id for link in links] + [run.run_id for run in local.runs]
    return Where(
        projects=tuple(dict.fromkeys(projects)),
        ids=tuple(dict.fromkeys(ids))[:MOST_IDS],
        theirs=frozenset(local.others) - {run.run_id for run in local.runs},
        token=request.token,
        expect=request.expect,
        order=likely_first if request.expect_auto else None,
    )
