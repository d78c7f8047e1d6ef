"""A run that is asked for by its path, and is not there, is no finding: it could not be read."""

from harness import judge
from harness.evidence.models import Request
from harness.evidence.setup.job_settings import read_job_settings
from harness.loopback.server import LoopbackServer
from harness.settings.model import Settings
from harness.verification.clock import Clock
from harness.verification.finished_job import collect_existing
from tests.in_ci import real_part


@real_part
def test_a_run_that_does_not_exist_is_told_of_in_one_sentence(tmp_path):
    with LoopbackServer() as server:
        own = read_job_settings(server.environment(), tmp_path)
        run = ("loopback", "vit", "nobody")
        settings = Settings(target="none", source="run", server="real", cwd=tmp_path, run=run)
        request = Request(source="run", target="none", server="real", job_kind="none", run_path="/".join(run))
        verdict = judge(collect_existing(settings, request, own, Clock()))
    assert (verdict.verdict, verdict.root_cause) == ("inconclusive", None)
    reason = next(c.reason for c in verdict.checks if c.outcome == "not_checked")
    assert f"{server.url} has no run loopback/vit/nobody, or the API key that is used here may not read it" in reason
