"""One browser for all tests, and the pages of all samples."""

import pytest

from harness.report.html.checks import sentences
from harness.report.html.page import render
from harness.report.next_commands import NextCommands
from tests.browser.chromium import BINARY, chromium
from tests.report.samples import SAMPLES

AGAIN = NextCommands(
    verify="cd /x\npytest checks", replay="pytest checks --replay e.json", bundle="python -m harness bundle /x"
)


@pytest.fixture(scope="session")
def browser():
    if BINARY is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    said = sentences()
    for name, sample in SAMPLES.items():
        (folder / f"{name}.html").write_text(render(*sample(), said, AGAIN), encoding="utf-8")
    return folder
