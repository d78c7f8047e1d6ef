"""The page: whole, self-contained, safe with hostile strings, light, and saying what is wrong and what to type."""

import base64
import hashlib
import re

import pytest

from harness.evidence.models import Evidence
from harness.judging.verdict import CheckResult
from harness.report.html.checks import sentences
from harness.report.html.page import render
from harness.report.next_commands import NextCommands
from tests.judging.build import server
from tests.report.pages import Page
from tests.report.samples import (
    HOSTILE,
    SAMPLES,
    duplicates,
    hostile,
    inconclusive,
    judged,
    lumi,
    many_gpus,
    no_key,
    nothing,
    passed,
)

AGAIN = NextCommands(
    verify="cd /x\npytest checks",
    reread="cd /x\npytest checks --run t/p/r",
    replay="pytest checks --replay e.json",
    bundle="python -m harness bundle /x",
    explain="lumi-wandb explain",
)
TAGS = {
    "html", "head", "meta", "title", "style", "body", "svg", "symbol", "circle", "path", "use", "rect", "text", "a",
    "header", "line", "p", "h1", "h2", "h3", "h4", "span", "main", "section", "div", "ol", "ul", "li", "pre", "code",
    "b", "figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd", "footer", "script",
}  # fmt: skip


def drawn(found, verdict):
    return render(found, verdict, sentences(), AGAIN)


@pytest.fixture(scope="module", params=SAMPLES)
def html(request):
    return drawn(*SAMPLES[request.param]())


def test_every_page_is_well_formed_and_holds_nothing_but_our_own_elements(html):
    page = Page(html)
    assert {e.tag for e in page.elements} <= TAGS
    assert not [e for e in page.elements for a in e.attributes if a.startswith("on") or a in ("src", "srcset", "style")]
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))


def test_every_page_names_things_that_are_there(html):
    page = Page(html)
    ids = {e.attributes.get("id") for e in page.elements}
    targets = [e.attributes["href"] for e in page.elements if (e.attributes.get("href") or "").startswith("#")]
    assert not [t for t in targets if t[1:] not in ids]
    assert not [e for e in page.elements if e.attributes.get("aria-labelledby", next(iter(ids))) not in ids]


def test_every_page_may_run_its_own_script_and_nothing_else(html):
    page = Page(html)
    policy = next(e for e in page.all("meta") if e.attributes.get("http-equiv")).attributes["content"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        text = "".join(page.one(tag).text)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_links_lead_to_the_web_or_into_the_page_and_carry_no_referrer(html):
    page = Page(html)
    for link in page.all("a"):
        assert re.match(r"https?://[^\s]+$|#[\w-]+$", link.attributes["href"])
        if not link.attributes["href"].startswith("#"):
            assert link.attributes["rel"] == "noopener noreferrer"


def test_every_page_is_light(html):
    assert len(html.encode()) < 300_000


def test_64_gpus_with_8_series_fit(benchmark_free_clock):
    found, verdict = many_gpus()
    assert len(found.server.runs[0].system) >= 64 * 8
    seconds, html = benchmark_free_clock(lambda: drawn(found, verdict))
    assert len(html.encode()) < 300_000
    assert seconds < 1.0  # 0.1 s on a quiet machine


def test_nothing_hostile_gets_out_of_its_text():
    html = drawn(*hostile())
    page = Page(html)
    assert not page.all("img")
    assert len(page.all("script")) == 1
    assert all("javascript" not in (e.attributes.get("href") or "") for e in page.elements)
    assert "49" not in page.one("h1").words, "a template within a name was evaluated"
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html)
    assert "<script>alert(1)</script>" in page.one("h1").words
    assert "x" * 5000 not in html


def test_a_hostile_name_adds_no_element_wherever_it_stands():
    found = lumi()
    run = found.server.runs[0]
    odd = run.model_copy(update={"name": "".join(HOSTILE), "state": HOSTILE[1], "config": {h: h for h in HOSTILE}})
    calm = run.model_copy(update={"config": {f"k{n}": "v" for n in range(len(HOSTILE))}})
    tags = [
        [e.tag for e in Page(drawn(*judged(lumi(server=server(r))))).elements] for r in (calm, odd)
    ]  # fmt: skip
    assert tags[0] == tags[1]


def test_a_failure_says_cause_and_cure_with_what_to_type():
    page = Page(drawn(*duplicates()))
    assert page.one("h1").words == "failed W&B does not work for this job: Every rank made its own W&B run (8 runs)."
    cause = page.one("section", "cause")
    assert "dup-one-run-per-rank" in cause.words
    assert "when the ranks made their runs" in cause.words
    codes = [e.words for e in page.elements if e.tag == "code" and "pre" in e.inside]
    assert any('rank = int(os.environ["RANK"])' in c for c in codes)
    assert "cd /x pytest checks" in codes
    assert "lumi-wandb explain dup-one-run-per-rank" in codes


def test_a_failure_of_the_setup_tells_that_it_came_before_the_job():
    page = Page(drawn(*no_key()))
    assert "No W&B API key" in page.one("h1").words
    assert "it struck before the job" in page.one("section", "cause").words
    failed = page.all("li", "failed")
    assert len(failed) == 1
    blocked = page.all("li", "blocked")
    assert blocked
    anchor = failed[0].attributes["id"]
    assert all("blocked by test_api_key_is_configured" in h.words for h in page.all("h3") if "blocked" in h.words)
    assert any(a.attributes["href"] == f"#{anchor}" for a in page.all("a"))


def test_checks_that_differ_in_the_metric_alone_are_one_line_and_those_that_came_out_otherwise_are_not():
    names = [f"test_4_metrics.py::test_series_is_finite[{m}]" for m in ("a", "b", "c")]
    outcomes = ("passed", "failed", "passed")
    checks = [CheckResult(name=n, outcome=o, reason="") for n, o in zip(names, outcomes, strict=True)]
    _, verdict = passed()
    page = Page(drawn(lumi(), verdict.model_copy(update={"checks": tuple(checks)})))
    assert [[p.words for p in page.all("span", "param")], len(page.all("li", "check"))] == [["a", "c", "b"], 2]


def test_a_blocked_check_names_what_blocks_it_where_its_group_has_several():
    checks = [
        CheckResult(name=f"test_3_run.py::test_{n}", outcome="blocked" if by else "failed", blocked_by=by)
        for n, by in (("a", None), ("b", "test_3_run.py::test_a"), ("c", "test_1_setup.py::test_gone"))
    ]
    _, verdict = passed()
    page = Page(drawn(lumi(), verdict.model_copy(update={"checks": tuple(checks)})))
    assert [b.words.partition(":")[0] for b in page.all("li", "blocked")] == [
        "blocked by test_a", "blocked by test_gone",
    ]  # fmt: skip


def test_a_doubt_says_what_was_in_the_way_and_what_to_type():
    page = Page(drawn(*inconclusive()))
    why = page.one("section", "doubt")
    assert "no answer within 30 s (15 checks)" in why.words
    assert "cd /x pytest checks --run t/p/r" in why.words
    found, verdict = inconclusive()
    assert (
        "cd /x pytest checks"
        in Page(render(found, verdict, {}, NextCommands(verify=AGAIN.verify))).one("section", "doubt").words
    )


def test_the_page_says_when_the_job_ran():
    words = Page(drawn(*passed())).one("header", "top").words
    assert "Job 9000001: started 2026-11-23 19:25:57 UTC, completed after 2 min 35 s." in words


def test_outcomes_are_told_in_words_and_shapes_not_by_colour_alone():
    found = lumi()
    outcomes = ("passed", "failed", "blocked", "not_applicable", "not_checked")
    checks = [CheckResult(name=f"test_1_setup.py::test_{o}", outcome=o, reason="why") for o in outcomes]
    _, verdict = judged(found)
    page = Page(drawn(found, verdict.model_copy(update={"checks": tuple(checks)})))
    for outcome in outcomes:
        check = page.one("li", outcome)
        assert check.words.startswith(outcome.replace("_", " "))
    shapes = {e.attributes["id"] for e in page.all("symbol")}
    assert {f"i-{o}" for o in outcomes} <= shapes


def test_checks_speak_in_their_own_words():
    page = Page(drawn(*passed()))
    words = [e.words for e in page.all("li", "check")]
    assert any("Exactly one run exists, however many ranks the job has" in w for w in words)
    assert sum("The metric is in the run, as numbers. loss acc" in w for w in words) == 1


def test_pictures_have_words_for_those_who_cannot_see_them():
    page = Page(drawn(*passed()))
    plots = page.all("svg", "plot")
    assert len(plots) == 2 + 4 + 4
    assert all(e.attributes["role"] == "img" for e in plots)
    loss = next(e.attributes["aria-label"] for e in plots if "loss" in e.attributes["aria-label"])
    assert loss == "loss over steps: server: 10 points, from 2.5 to 0.4424, least 0.4424, greatest 2.5"


def test_an_empty_evidence_gives_a_page_that_says_so():
    page = Page(drawn(*nothing()))
    assert "Nothing could be judged" in page.one("h1").words
    assert any("Nothing was logged" in p.words for p in page.all("p"))
    assert not page.all("svg", "plot")


def test_the_page_does_not_need_what_it_is_told():
    _, verdict = passed()
    html = render(Evidence(), verdict, {}, NextCommands())
    page = Page(html)
    assert "Verify again" not in html
    assert any("exactly one run" in e.words for e in page.all("li", "check"))
