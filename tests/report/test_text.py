"""Numbers, times and sizes that people can read; no odd links."""

import math

import pytest

from harness.report.text import clock, link, moment, number, parted, plural, seconds, size


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil", "http://",
        "https://user@evil.example/", "https://a b", 'https://x/"onclick="', "https://x/<b>", "https://x\u202ey",
        "https://x:port/", "https://[::1", "https://x/" + "y" * 2000, "", " https://x",
    ],
)  # fmt: skip
def test_addresses_that_are_odd_are_no_links(url):
    assert link(url) is None


@pytest.mark.parametrize(
    "url", ["https://wandb.ai/team/vit/runs/abc", "http://127.0.0.1:4000/a?b=c#d", "https://[::1]:8/"]
)
def test_addresses_of_runs_are_links(url):
    assert link(url) == url


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"), (0.0, "0"), (1.30293, "1.303"), (0.00123456, "0.001235"), (92.1875, "92.19"), (12345, "12.3 k"),
        (1_500_000, "1.5 M"), (2.5e9, "2.5 G"), (1e300, "1e+300"), (math.nan, "NaN"),
        (math.inf, "∞"), (-math.inf, "-∞"),
    ],
)  # fmt: skip
def test_numbers(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.04, "0.0 s"), (31.4, "31 s"), (125, "2 min 5 s"), (3780, "63 min 0 s"), (7500, "2 h 5 min"),
     (math.inf, "–"), (-3.0, "an unknown time (the clock went back)")],
)  # fmt: skip
def test_durations(value, shown):
    assert seconds(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(31.0, "31 s"), (0.0, "0.0 s"), (-4.0, "4.0 s before")])
def test_moments_may_lie_before_the_beginning(value, shown):
    assert moment(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (900, "900 B"), (25_276_502_016, "25.3 GB"), (31e3, "31.0 kB")]
)
def test_sizes(value, shown):
    assert size(int(value) if value else None) == shown


def test_times_are_told_in_utc_and_odd_ones_not_at_all():
    assert clock(1795461957.6) == "2026-11-23 19:25:57 UTC"
    assert {clock(t) for t in (None, 0.0, -1.0, 1e300, math.nan, math.inf)} == {"–"}


def test_backticks_part_code_from_words():
    assert parted("`wandb.init()` made a run") == [(True, "wandb.init()"), (False, " made a run")]
    assert parted("a lone ` stays") == [(False, "a lone ` stays")]


def test_plurals():
    assert (plural(1, "run"), plural(4000, "run"), plural(2, "entry", "entries")) == (
        "1 run",
        "4,000 runs",
        "2 entries",
    )
