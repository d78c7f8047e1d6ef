"""The verdict: which cause counts, what it explains, what stays unexplained."""

from harness.evidence.models import ScriptNote, Span, Watch
from harness.evidence.models.wandb_log import RunFacts
from harness.judging.judge import assemble, cause_among
from harness.judging.verdict import CheckResult, Finding
from tests.judging import build as b
from tests.judging.build import evidence


def check(name, outcome="passed", **change):
    return CheckResult(name=f"test_x.py::{name}", outcome=outcome, **change)


def finding(name, stage=10, *, severity="error", fails=(), blocks=()):
    return Finding(
        id=name, severity=severity, title=name, observed=(), advice=(), guide_section="-", links=(), explains=(),
        fails=fails, blocks=blocks, stage=stage,
    )  # fmt: skip


def test_all_passed_is_passed_and_drops_errors_that_explain_nothing():
    verdict = assemble(evidence(), [check("a"), check("b", "not_applicable")], [finding("f", fails=("a",))])
    assert (verdict.verdict, verdict.root_cause, verdict.findings) == ("passed", None, ())


def test_a_remark_stays_without_a_failure():
    verdict = assemble(evidence(), [check("a")], [finding("w", severity="warning"), finding("i", severity="info")])
    assert (verdict.verdict, [f.id for f in verdict.findings]) == ("passed", ["w", "i"])


def test_the_earliest_cause_is_the_root_cause_and_a_later_one_for_the_same_failure_is_dropped():
    findings = [finding("late", 80, fails=("a", "b")), finding("early", 10, fails=("a", "b"))]
    verdict = assemble(evidence(), [check("a", "failed"), check("b", "failed")], findings)
    assert verdict.root_cause == "early"
    assert [f.id for f in verdict.findings] == ["early"]
    assert verdict.findings[0].explains == ("test_x.py::a", "test_x.py::b")


def test_two_independent_causes_are_both_shown():
    findings = [finding("late", 80, fails=("b",)), finding("early", 10, fails=("a",))]
    verdict = assemble(evidence(), [check("a", "failed"), check("b", "failed")], findings)
    assert verdict.root_cause == "early"
    assert [f.id for f in verdict.findings] == ["early", "late"]


def test_the_cause_named_beside_a_check_is_the_one_that_the_verdict_keeps():
    findings = [finding("late", 80, fails=("b",)), finding("early", 10, fails=("a",), blocks=("b",))]
    checks = [check("a", "failed"), check("b", "failed")]
    (kept,) = assemble(evidence(), checks, findings).findings
    for c in checks:
        assert cause_among(c.name, ["test_x.py::a"], findings).id == kept.id == "early"
    assert cause_among("test_x.py::c", [], findings) is None


def test_of_one_stage_the_cause_whose_own_symptom_failed_comes_before_one_that_it_would_only_follow_from():
    findings = [finding("follows", fails=("a",), blocks=("b",)), finding("own", fails=("b",))]
    assert assemble(evidence(), [check("a"), check("b", "failed")], findings).root_cause == "own"
    assert cause_among("test_x.py::b", [], findings).id == "own"


def test_causes_come_before_remarks():
    findings = [finding("remark", 5, severity="warning"), finding("cause", 10, fails=("a",))]
    verdict = assemble(evidence(), [check("a", "failed")], findings)
    assert (verdict.root_cause, [f.id for f in verdict.findings]) == ("cause", ["cause", "remark"])


def test_a_consequence_names_the_symptom_that_blocked_it():
    findings = [finding("f", fails=("b",), blocks=("a",))]
    verdict = assemble(evidence(), [check("a", "blocked"), check("b", "failed")], findings)
    assert verdict.checks[0].blocked_by == "test_x.py::b"
    assert verdict.findings[0].explains == ("test_x.py::a", "test_x.py::b")


def test_what_is_blocked_through_others_names_the_check_that_failed():
    checks = [
        check("a", "failed"),
        check("b", "blocked", blocked_by="test_x.py::a", reason="blocked by test_x.py::a"),
        check("c", "blocked", blocked_by="test_x.py::b", reason="blocked by test_x.py::b"),
        check("d", "blocked", blocked_by="test_x.py::c", reason="blocked by test_x.py::c"),
    ]
    found = assemble(evidence(), checks, []).checks
    assert [c.blocked_by for c in found[1:]] == ["test_x.py::a"] * 3
    assert found[3].reason == "blocked by test_x.py::a"


def test_checks_that_block_each_other_come_to_an_end():
    checks = [check(n, "blocked", blocked_by=f"test_x.py::{by}") for n, by in (("a", "b"), ("b", "a"))]
    assert len(assemble(evidence(), checks, []).checks) == 2


def test_a_consequence_whose_symptom_did_not_fail_counts_as_failed():
    findings = [finding("f", fails=("b",), blocks=("a",))]
    verdict = assemble(evidence(), [check("a", "blocked"), check("b")], findings)
    assert verdict.verdict == "failed"
    assert verdict.checks[0].outcome == "failed"
    assert verdict.root_cause == "f"


def test_an_unexplained_failure_is_unknown_and_shows_evidence():
    verdict = assemble(evidence(), [check("a", "failed", reason="it is odd")], [])
    assert verdict.root_cause == "unknown"
    assert "a: it is odd" in verdict.findings[0].observed
    assert any("wandb: Syncing run" in line for line in verdict.findings[0].observed)


def test_an_unexplained_failure_beside_an_explained_one_leaves_the_root_cause():
    checks = [check("a", "failed"), check("b", "failed")]
    verdict = assemble(evidence(), checks, [finding("f", fails=("a",))])
    assert verdict.root_cause == "f"
    assert [f.id for f in verdict.findings] == ["f", "unknown"]


def test_what_could_not_be_checked_makes_the_verdict_inconclusive_unless_something_failed():
    assert assemble(evidence(), [check("a"), check("b", "not_checked")], []).verdict == "inconclusive"
    assert assemble(evidence(), [check("a", "failed"), check("b", "not_checked")], []).verdict == "failed"


def test_nothing_checked_is_no_pass():
    assert assemble(evidence(), [check("a", "not_applicable")], []).verdict == "inconclusive"


def test_the_findings_symptom_lists_may_name_one_parameter():
    one = finding("f", fails=("test_series_is_present[acc]",))
    assert one.covers("test_4_metrics.py::test_series_is_present[acc]") == "fails"
    assert one.covers("test_4_metrics.py::test_series_is_present[loss]") is None
    every = finding("f", fails=("test_series_is_present",))
    assert every.covers("test_4_metrics.py::test_series_is_present[loss]") == "fails"


def test_a_job_without_a_word_of_the_sdk_shows_the_lines_that_may_be_why():
    notes = (ScriptNote(kind="text_compared_with_number", line=3, text='if os.environ["RANK"] == 0:'),)
    found = b.evidence(local=b.local(), server=b.server(), job=b.job("done"), setup=b.setup(script_notes=notes))
    told = assemble(found, [check("test_init_succeeded", "failed")], []).findings[0]
    assert any("none of its processes printed a line of wandb" in line for line in told.observed)
    assert any(line.startswith('train.py, line 3: if os.environ["RANK"] == 0:') for line in told.observed)
    assert told.advice[0] == 'Line 3: compare a number with a number:\n  int(os.environ["RANK"]) == 0'


def test_runs_without_a_known_pattern_are_laid_out():
    runs = (b.server_run(id="a"), b.server_run(id="b", created_at=1100.0, rows=1))
    told = assemble(b.evidence(server=b.server(*runs)), [check("test_exactly_one_run", "failed")], []).findings[0]
    assert any("follow each other" in line for line in told.observed)
    assert any("began 100 s after the first, 1 rows, finished" in line for line in told.observed)


def test_without_evidence_there_is_a_verdict_and_nothing_to_tell_of_the_job():
    verdict = assemble(None, [check("a")], [])
    assert (verdict.verdict, verdict.runs, verdict.job, verdict.timings, verdict.versions) == ("passed", (), {}, {}, {})
    assert assemble(b.evidence(job=None), [check("a")], []).job == {}


def test_the_verdict_tells_of_the_job_without_its_output():
    found = b.evidence(job=b.job("much", ending="failed"), versions={"harness": "0.1.0"})
    verdict = assemble(found, [check("a")], [])
    assert (verdict.job["ending"], verdict.job["exit_code"], "output" in verdict.job) == ("failed", 1, False)
    assert verdict.versions == {"harness": "0.1.0"}


def test_the_verdict_tells_how_long_things_took():
    spans = (Span(name="job", start=1000.0, end=1012.34567), Span(name="server", start=1013.0))
    watch = Watch(run_visible_s=6.00049, job_ended_s=12.3)
    found = b.evidence(spans=spans, watch=watch, server=b.server(b.server_run(), waited_s=0.5))
    told = {"job_s": 12.346, "reads_waited_s": 0.5, "run_visible_s": 6.0, "job_ended_s": 12.3}
    assert assemble(found, [check("a")], []).timings == told
    assert assemble(b.evidence(), [check("a")], []).timings == {}


def test_runs_that_only_the_disk_has_are_told_beside_those_of_the_server():
    facts = RunFacts(entity="team", project="vit", display_name="Example run")
    disk = (
        b.local_run(),
        b.local_run(run_id="off", offline=True, log=b.log(run=facts)),
        b.local_run(run_id="torn", log=b.log(run=None, status="torn")),
    )
    runs = assemble(b.evidence(local=b.local(*disk)), [check("a")], []).runs
    assert [tuple(run.model_dump().values()) for run in runs] == [
        ("team", "vit", b.RUN_ID, "Example run", "finished", f"https://wandb.ai/team/vit/runs/{b.RUN_ID}", "server"),
        ("team", "vit", "off", "Example run", "offline", "", "local"),
        ("", "", "torn", "", "torn", "", "local"),
    ]


def test_the_document_has_the_keys_that_are_promised():
    document = assemble(None, [check("a", "failed")], [finding("f", fails=("a",), blocks=("b",))]).model_dump()
    assert set(document) == {
        "schema_version", "verdict", "root_cause", "findings", "checks", "runs", "job", "timings", "versions",
    }  # fmt: skip
    assert document["schema_version"] == 1
    assert set(document["findings"][0]) == {
        "id", "severity", "title", "observed", "advice", "guide_section", "links", "explains",
    }  # fmt: skip
    assert document["checks"] == (
        {"name": "test_x.py::a", "outcome": "failed", "reason": "", "blocked_by": None, "duration_s": 0.0},
    )
