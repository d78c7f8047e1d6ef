"""A run that is asked for by its path, and cannot be read, is no finding; why is told in one sentence."""

import socket

import pytest

from harness import judge
from harness.evidence.models import Request, Trouble
from harness.evidence.setup.job_settings import read_job_settings
from harness.loopback.server import LoopbackServer
from harness.settings.model import Settings
from harness.verification.clock import Clock
from harness.verification.finished_job import collect_existing, met_on_the_way
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


@pytest.fixture
def port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken


LATE = Trouble(kind="timeout", text="no answer within 20 s", where="run")


def test_why_no_answer_came_is_seen_on_the_way(port):
    url = f"http://127.0.0.1:{port.getsockname()[1]}"
    assert met_on_the_way(LATE, url, {}).kind == "refused"
    port.listen()
    assert met_on_the_way(LATE, url, {}) == LATE
    assert met_on_the_way(LATE, "http://w.invalid", {}).kind == "dns"


def test_what_stands_behind_a_proxy_or_was_told_is_left_as_it_is():
    assert met_on_the_way(LATE, "http://w.invalid", {"HTTP_PROXY": "http://p:1"}) == LATE
    told = Trouble(kind="auth", text="no", where="run")
    assert met_on_the_way(told, "http://w.invalid", {}) == told
