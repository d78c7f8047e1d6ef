"""The report in a real browser: it loads nothing, draws fast, fits every screen, and everyone can use it."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browser.chromium import DRAWN
from tests.report.samples import SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', {value: {writeText: async t => { window.copied = t; }}}); 1"


def axe():
    """The text of axe-core: a newer file named by AXE, else the package's."""
    if given := os.environ.get("AXE"):
        return Path(given).read_text()
    found = find_spec("axe_core_python")
    if found is None or not found.submodule_search_locations:
        pytest.skip("needs axe-core (pip install axe-core-python, or AXE=axe.min.js)")
    return (Path(found.submodule_search_locations[0]) / "axe.min.js").read_text()


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_leaves_the_page_and_nothing_is_refused(browser, pages, name):
    browser.look()
    browser.open(pages / f"{name}.html")
    asked = [e["request"]["url"] for e in browser.told("Network.requestWillBeSent")]
    assert [a for a in asked if not a.startswith("file://")] == []
    assert len(asked) == 1
    assert browser.told("Runtime.exceptionThrown") == []
    assert browser.told("Page.javascriptDialogOpening") == []
    assert [e["entry"]["text"] for e in browser.told("Log.entryAdded")] == []


def violations(browser, options="{}"):
    browser.run(axe() + "; 1")
    told = "r.violations.map(v => [v.impact, v.id, v.nodes[0].html.slice(0, 200), v.nodes.length])"
    found = browser.run(f"axe.run(document, {options}).then(r => {told})")
    return [v for v in found if v[0] in ("serious", "critical")]


@pytest.mark.parametrize("name", SAMPLES)
def test_everyone_can_use_it(browser, pages, name):
    browser.look()
    browser.open(pages / f"{name}.html")
    assert violations(browser) == []
    browser.look(dark=True)
    assert violations(browser, "{runOnly: ['color-contrast']}") == []


def test_what_not_everyone_can_use_is_found(browser, tmp_path):
    odd = tmp_path / "odd.html"
    odd.write_text("<!doctype html><html><body><img src='data:,'><p style='color:#ccc'>pale</p></body></html>")
    browser.look()
    browser.open(odd)
    assert {v[1] for v in violations(browser)} >= {"image-alt", "html-has-lang", "color-contrast"}


@pytest.mark.parametrize("name", SAMPLES)
def test_it_never_scrolls_sideways(browser, pages, name):
    browser.look(width=320)
    browser.open(pages / f"{name}.html")
    for width in (320, 390, 1100):
        browser.look(width=width)
        browser.run(DRAWN)
        assert browser.run("[innerWidth, document.documentElement.scrollWidth]") == [width, width]


def test_what_scrolls_sideways_is_found_at_each_width(browser, tmp_path):
    odd = tmp_path / "odd.html"
    viewport = "<meta name=viewport content='width=device-width, initial-scale=1'>"
    odd.write_text(f"<!doctype html>{viewport}<body style='margin:0'><div style='width:1000px'>wide</div>")
    browser.look(width=320)
    browser.open(odd)
    for width in (320, 390, 1100):
        browser.look(width=width)
        browser.run(DRAWN)
        assert (browser.run("document.documentElement.scrollWidth") > width) is (width < 1000)


@pytest.mark.sample
def test_64_gpus_draw_in_under_a_second(browser, pages):
    browser.look()
    browser.open(pages / "many_gpus.html")
    timing = "performance.getEntriesByType('navigation')[0]"
    assert browser.run(f"{timing}.loadEventEnd - {timing}.startTime") < 1000
    metrics = {m["name"]: m["value"] for m in _metrics(browser, pages / "many_gpus.html")}
    assert metrics["LayoutDuration"] + metrics["RecalcStyleDuration"] + metrics["ScriptDuration"] < 1.0


def _metrics(browser, path):
    browser.call("Performance.enable")
    browser.open(path)
    return browser.call("Performance.getMetrics")["metrics"]


def test_the_policy_stops_a_script_that_gets_in(browser, pages, tmp_path):
    odd = tmp_path / "odd.html"
    text = (pages / "passed.html").read_text()
    odd.write_text(text.replace("<main>", "<main><script>window.got = 1</script><img src='http://127.0.0.1:9/x'>"))
    browser.look()
    browser.open(odd)
    assert browser.run("window.got === undefined")
    refused = [e["entry"]["text"] for e in browser.told("Log.entryAdded")]
    assert len([r for r in refused if "Content Security Policy" in r]) >= 2


@pytest.mark.sample
def test_a_button_copies_the_command_as_it_stands(browser, pages):
    browser.look()
    browser.open(pages / "duplicates.html")
    browser.run(CLIPBOARD)
    assert browser.run("document.querySelectorAll('.code button').length === document.querySelectorAll('.code').length")
    browser.run("document.querySelector('.cause .code button').click(); 1")
    browser.run("new Promise(done => setTimeout(() => done(1), 100))")
    assert browser.run("window.copied").startswith('rank = int(os.environ["RANK"])\nif rank == 0:\n    run = ')
    assert browser.run("document.getElementById('said').textContent") == "Copied"


def test_the_keyboard_gets_everywhere(browser, pages):
    browser.look()
    browser.open(pages / "duplicates.html")
    browser.run(CLIPBOARD)
    browser.press("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    for _ in range(12):
        browser.press("Tab")
        if browser.run("document.activeElement.tagName") == "BUTTON":
            break
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("Enter")
    browser.run("new Promise(done => setTimeout(() => done(1), 100))")
    assert "rank = int" in browser.run("window.copied")


def test_blocked_checks_lead_to_what_blocks_them(browser, pages):
    browser.look()
    browser.open(pages / "no_key.html")
    browser.run("document.querySelector('.group h3 a').click(); 1")
    assert "failed" in browser.run("document.querySelector(':target').className")


def test_dark_and_print_have_their_own_colours(browser, pages):
    colour = "getComputedStyle(document.body).backgroundColor"
    browser.look(dark=True)
    browser.open(pages / "passed.html")
    assert browser.run(colour) == "rgb(20, 23, 27)"
    browser.look(dark=True, media="print")
    assert browser.run(colour) == "rgb(255, 255, 255)"
    assert browser.run("getComputedStyle(document.querySelector('.code button')).display") == "none"


@pytest.mark.parametrize("name", SAMPLES)
def test_pictures_are_really_drawn(browser, pages, name, tmp_path):
    browser.look()
    browser.open(pages / f"{name}.html")
    boxes = browser.run(
        "[...document.querySelectorAll('.plot > svg')].map(s => [s.getBoundingClientRect().height,"
        " ...[...s.querySelectorAll('.line:not(.dots)')].map(l => l.getTotalLength())])"
    )
    assert all(box[0] > 50 for box in boxes)
    if name == "passed":
        assert len(boxes) == 10
        assert all(length > 100 for box in boxes for length in box[1:])
    browser.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 10_000
