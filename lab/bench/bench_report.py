"""What the report of a large job weighs, and how long it takes to make and to draw in a real browser."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.evidence.models import Evidence
from harness.judging.verdict import Verdict
from harness.report.html.checks import sentences
from harness.report.html.page import render
from harness.report.next_commands import NextCommands
from lab.bench.row import Row
from tests.browser.chromium import BINARY, Chromium, chromium
from tests.report.samples import long_run, many_gpus

TIMES = 5
SAMPLES = {"64 GCDs × 8 series": many_gpus, "a run of a million steps": long_run}


def rows() -> Iterator[Row]:
    """Each sample's page: its weight, and medians of making and drawing it."""
    with tempfile.TemporaryDirectory() as folder:
        made = {name: _made(sample, Path(folder) / f"{n}.html") for n, (name, sample) in enumerate(SAMPLES.items())}
        for name, (page, seconds) in made.items():
            weight = f"{page.stat().st_size / 1000:.0f} kB"
            yield Row(f"report of {name}: weight", weight, "", weight, "≤ 300 kB")
            yield Row(f"report of {name}: made in", f"{seconds:.2f} s", "", f"{seconds:.2f} s", "< 1 s")
        if BINARY is None:
            return
        with chromium() as browser:
            browser.look()
            for name, (page, _) in made.items():
                drawn = f"{statistics.median(_drawn(browser, page) for _ in range(TIMES)):.2f} s"
                yield Row(f"report of {name}: drawn in", drawn, "", drawn, "< 1 s")


def _made(sample: Callable[[], tuple[Evidence, Verdict]], page: Path) -> tuple[Path, float]:
    found, verdict = sample()
    took = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        page.write_text(render(found, verdict, sentences(), NextCommands()), encoding="utf-8")
        took.append(time.perf_counter() - begun)
    return page, statistics.median(took)


def _drawn(browser: Chromium, page: Path) -> float:
    """Seconds from the start of the navigation until two frames have been painted."""
    browser.open(page)
    return browser.run("performance.now()") / 1000
