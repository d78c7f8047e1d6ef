"""The verdict: which causes and remarks it tells, and what it says of job, runs and times."""

from dataclasses import replace

import pytest

from harness.evidence.models import Evidence, ScriptNote, Span, Trouble, Watch
from harness.evidence.models.wandb_log import RunFacts
from harness.judging.checks import CHECKS
from harness.judging.judge import judge
from harness.judging.outcomes import NotApplicable
from harness.judging.rule import Hit
from tests.judging import build as b


def outcome(verdict, name):
    return next(c.outcome for c in verdict.checks if c.name.endswith(f"::{name}"))


def test_a_healthy_case_passes_and_every_check_is_told():
    verdict = judge(b.healthy())
    assert (verdict.verdict, verdict.root_cause) == ("passed", None)
    assert len(verdict.checks) == 37


def test_a_cause_names_its_symptoms_and_what_they_block():
    verdict = judge(b.no_run(setup=b.setup(credentials=b.with_keys())))
    assert (verdict.verdict, verdict.root_cause) == ("failed", "auth-no-key")
    assert "test_1_setup.py::test_api_key_is_configured" in verdict.findings[0].explains
    assert "test_4_metrics.py::test_loss_goes_down" in verdict.findings[0].explains
    assert outcome(verdict, "test_loss_goes_down") == "blocked"


def test_a_remark_stays_beside_a_pass_and_explains_nothing():
    remark = judge(b.healthy(), rules=[lambda _: [Hit(id="auth-key-in-script", observed=("line 3",))]])
    assert remark.verdict == "passed"
    assert [(f.id, f.explains) for f in remark.findings] == [("auth-key-in-script", ())]


def test_causes_come_before_remarks_though_they_struck_later():
    def rule(_evidence):
        yield Hit(id="auth-key-in-script", observed=())
        yield Hit(id="dup-one-run-per-rank", observed=())

    found = b.healthy()
    twice = b.server(*(found.server.runs[0].model_copy(update={"id": i}) for i in "ab"))
    found = found.model_copy(update={"server": twice})
    assert [f.id for f in judge(found, rules=[rule]).findings] == ["dup-one-run-per-rank", "auth-key-in-script"]


def test_what_merely_follows_from_a_cause_is_not_told_as_a_remark():
    def rule(_evidence):
        yield Hit(id="auth-no-key", observed=())
        yield Hit(id="auth-netrc-unreadable", observed=())

    found = b.no_run(setup=b.setup(credentials=b.with_keys()))
    assert [f.id for f in judge(found, rules=[rule]).findings] == ["auth-netrc-unreadable"]


def test_an_unexplained_failure_is_unknown_and_shows_evidence():
    verdict = judge(b.evidence(server=b.server(b.server_run(state="odd"))), rules=[])
    assert verdict.root_cause == "unknown"
    assert any(line.startswith("test_run_finished: the run is odd") for line in verdict.findings[0].observed)
    assert any("wandb: Syncing run" in line for line in verdict.findings[0].observed)


def test_an_unexplained_failure_beside_an_explained_one_leaves_the_root_cause():
    def rule(_evidence):
        yield Hit(id="dup-one-run-per-rank", observed=())

    runs = (b.server_run(id="a", state="odd"), b.server_run(id="b", state="odd"))
    verdict = judge(b.evidence(server=b.server(*runs)), rules=[rule])
    assert [f.id for f in verdict.findings] == ["dup-one-run-per-rank", "unknown"]


def test_what_could_not_be_checked_makes_the_verdict_inconclusive_unless_something_failed():
    blind = b.healthy(run={"system": {}})
    late = (Trouble(kind="timeout", text="late", where="system"),)
    found = blind.model_copy(update={"server": blind.server.model_copy(update={"partial": late})})
    assert judge(found, rules=[]).verdict == "inconclusive"
    failed = found.server.runs[0].model_copy(update={"state": "failed"})
    worse = found.model_copy(update={"server": found.server.model_copy(update={"runs": (failed,)})})
    assert judge(worse, rules=[]).verdict == "failed"


def test_nothing_checked_is_no_pass():
    def symptom(_case, _parameter):
        raise NotApplicable("no job")

    checks = [replace(c, symptom=symptom) for c in CHECKS]
    assert judge(Evidence(), checks=checks).verdict == "inconclusive"
    assert judge(Evidence(), checks=()).verdict == "inconclusive"


@pytest.mark.parametrize("wanted", ["test_run_finished", "test_series_is_present"])
def test_a_job_without_a_word_of_the_sdk_shows_the_lines_that_may_be_why(wanted):
    notes = (ScriptNote(kind="text_compared_with_number", line=3, text='if os.environ["RANK"] == 0:'),)
    found = b.evidence(local=b.local(), server=b.server(), job=b.job("done"), setup=b.setup(script_notes=notes))
    told = judge(found, rules=[]).findings[0]
    assert any(wanted in name for name in told.explains)
    assert any("none of its processes printed a line of wandb" in line for line in told.observed)
    assert any(line.startswith('train.py, line 3: if os.environ["RANK"] == 0:') for line in told.observed)
    assert told.advice[0] == 'Line 3: compare a number with a number:\n  int(os.environ["RANK"]) == 0'


def test_runs_without_a_known_pattern_are_laid_out():
    runs = (b.server_run(id="a"), b.server_run(id="b", created_at=1100.0, rows=1))
    told = judge(b.evidence(server=b.server(*runs)), rules=[]).findings[0]
    assert any("follow each other" in line for line in told.observed)
    assert any("began 100 s after the first, 1 rows, finished" in line for line in told.observed)


def test_without_a_job_there_is_nothing_to_tell_of_it():
    assert judge(b.evidence(job=None)).job == {}


def test_the_verdict_tells_of_the_job_without_its_output():
    found = b.evidence(job=b.job("much", ending="failed"), versions={"harness": "0.1.0"})
    verdict = judge(found)
    assert (verdict.job["ending"], verdict.job["exit_code"], "output" in verdict.job) == ("failed", 1, False)
    assert verdict.versions == {"harness": "0.1.0"}


def test_the_verdict_tells_how_long_things_took():
    spans = (Span(name="job", start=1000.0, end=1012.34567), Span(name="server", start=1013.0))
    watch = Watch(run_visible_s=6.00049, job_ended_s=12.3)
    found = b.evidence(spans=spans, watch=watch, server=b.server(b.server_run(), waited_s=0.5))
    told = {"job_s": 12.346, "reads_waited_s": 0.5, "run_visible_s": 6.0, "job_ended_s": 12.3}
    assert judge(found).timings == told
    assert judge(b.evidence()).timings == {}


def test_runs_that_only_the_disk_has_are_told_beside_those_of_the_server():
    facts = RunFacts(entity="team", project="vit", display_name="Example run")
    disk = (
        b.local_run(),
        b.local_run(run_id="off", offline=True, log=b.log(run=facts)),
        b.local_run(run_id="torn", log=b.log(run=None, status="torn")),
    )
    runs = judge(b.evidence(local=b.local(*disk))).runs
    assert [tuple(run.model_dump().values()) for run in runs] == [
        ("team", "vit", b.RUN_ID, "Example run", "finished", f"https://wandb.ai/team/vit/runs/{b.RUN_ID}", "server"),
        ("team", "vit", "off", "Example run", "offline", "", "local"),
        ("", "", "torn", "", "torn", "", "local"),
    ]


def test_the_document_has_the_keys_that_are_promised():
    document = judge(b.evidence(server=b.server(b.server_run(state="odd")))).model_dump()
    assert set(document) == {
        "schema_version", "verdict", "root_cause", "findings", "checks", "runs", "rehearsals", "attempts", "job",
        "timings", "versions", "live",
    }  # fmt: skip
    assert document["schema_version"] == 1
    assert set(document["findings"][0]) == {
        "id", "severity", "title", "observed", "advice", "cure", "guide_section", "links", "explains",
    }  # fmt: skip
    assert document["checks"][0] == {
        "name": "test_1_setup.py::test_api_key_is_configured", "outcome": "passed", "reason": "", "blocked_by": None,
        "duration_s": 0.0,
    }  # fmt: skip


def test_an_error_that_made_nothing_fail_is_no_news_where_all_is_well():
    def rule(_evidence):
        yield Hit(id="dup-one-run-per-rank", observed=())

    assert judge(b.healthy(), rules=[rule]).findings == ()
