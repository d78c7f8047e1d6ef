"""The Markdown page: what is in it, and that nothing in it comes to life."""

import re

import pytest

from harness.report.html.checks import sentences
from harness.report.markdown import fenced, plain, span, summary
from harness.report.next_commands import NextCommands
from tests.report.samples import HOSTILE, SAMPLES, duplicates, hostile, inconclusive, passed

AGAIN = NextCommands(verify="cd /x\npytest checks", replay="pytest checks --replay e.json")


def page(sample):
    return summary(*sample(), sentences(), AGAIN)


def without_code(text):
    """What a renderer would read as Markdown."""
    text = re.sub(r"(?ms)^ *(`{3,})\w*\n.*?^ *\1$", "", text)
    return re.sub(r"`[^`\n]*`", "", text)


def test_a_failure_is_told_with_cause_cure_and_commands():
    text = page(duplicates)
    assert text.startswith("## ❌ W&amp;B verification: failed\n")
    assert text.count("Every rank made its own W&amp;B run (8 runs)") == 1
    assert "### Root cause\n" in text
    assert "`dup-one-run-per-rank`" in text
    assert '  rank = int(os.environ["RANK"])' in text
    assert "```sh\ncd /x\npytest checks\n```" in text
    assert "| ❌ | `test_exactly_one_run` | failed |" in text
    assert "| | **Run** | 1 failed, 6 passed | |" in text
    assert "test_run_finished" not in text
    assert "- <https://wandb.ai/team/vit/runs/run00000> Example run: finished" in text


def test_what_passed_is_counted_not_listed():
    text = page(passed)
    assert "| | **Run** | 7 passed | |" in text
    assert "test_exactly_one_run" not in text


def test_what_could_not_be_checked_says_why():
    text = page(inconclusive)
    assert "| ❔ | `test_exactly_one_run` | not checked | no answer within 30 s |" in text
    assert "| ❔ | `test_series_is_present[loss, acc]` | not checked | no answer within 30 s |" in text
    assert "- no answer within 30 s (15 checks)\n\nNo check failed. When this is fixed, verify again" in text


@pytest.mark.parametrize("name", SAMPLES)
def test_every_page_is_short_enough_for_github(name):
    assert len(page(SAMPLES[name]).encode()) < 200_000  # a step's summary may have 1 MiB


def test_nothing_hostile_comes_to_life():
    text = page(hostile)
    bare = without_code(text)
    assert "<script" not in bare
    assert not re.search(r"<(?!https://)", bare), "an element or an address that is not ours"
    assert not re.search(r"(?<!\\)\]\(", bare), "a link"
    assert "@everyone" not in bare
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x1b\x00]", text)
    text.encode()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_table_keeps_its_columns(text):
    for told in (plain(text), span(text)):
        assert not re.search(r"(?<!\\)\|", told)
        assert "\n" not in plain(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# no heading", "&#35; no heading"),
        ("1. no list", "&#49;&#46; no list"),
        ("- no list", "&#45; no list"),
        ("see #12", "see &#35;12"),
        ("@me", "&#64;me"),
        ("https://x.y www.z", "https&#58;//x.y www&#46;z"),
        ("a_b*c [l](u) <b> & `c`", "a\\_b\\*c \\[l\\](u) &lt;b&gt; &amp; \\`c\\`"),
        ("0.2 s, plain-text (fine)!", "0.2 s, plain-text (fine)!"),
    ],
)
def test_text_is_shown_as_it_is(text, shown):
    assert plain(text) == shown


def test_a_fence_is_longer_than_those_within():
    assert fenced("````\nx", "text")[0] == "`````text"
    assert fenced("x", "sh") == ["```sh", "x", "```"]
    assert span("") == ""
