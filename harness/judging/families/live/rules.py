"""Rules for the family live: what breaks while the job runs, told by the layers that part."""

from collections.abc import Iterator

from harness.evidence.models import Evidence
from harness.judging.live.broken import broken
from harness.judging.rule import Hit, Rule
from harness.judging.view import main_local_run, main_server_run


def broken_while_running(evidence: Evidence) -> Iterator[Hit]:
    """The job is said to run, and one of its layers stands."""
    local, server = main_local_run(evidence), main_server_run(evidence)
    values = {"again": f"--run {evidence.request.run_path}"} if evidence.request.run_path else {}
    values |= {"run_dir": local.path} if local else {}
    values |= {"host": server.host} if server and server.host else {}
    for trouble in broken(evidence):
        yield Hit(id=trouble.id, observed=trouble.observed, values=values | trouble.values)


RULES: tuple[Rule, ...] = (broken_while_running,)
