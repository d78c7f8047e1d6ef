"""The closing summary on terminals of every kind: narrow, without colour, without UTF-8, quiet, wordy."""

import os
import subprocess
import sys

import pytest

from harness.report.charts.sparkline import PLAIN
from tests.report.samples import duplicates, inconclusive, lumi
from tests.repository import REPOSITORY as CLONE


@pytest.fixture
def shown(tmp_path):
    def run(found, *options, **environ):
        saved = tmp_path / "evidence.json"
        saved.write_text(found.model_dump_json())
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "HARNESS", "PYTEST", "GITHUB"))}
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", str(CLONE / "checks"), "-c", str(CLONE / "pyproject.toml"),
                "--rootdir", str(CLONE), "-p", "no:cacheprovider", "--replay", str(saved),
                "--report", str(tmp_path / "report"), *options,
            ],
            cwd=tmp_path, env={**clean, "COLUMNS": "80", "PYTHONUTF8": "0", **environ},
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        return done.stdout

    return run


@pytest.mark.slow
def test_a_terminal_without_utf_8_gets_ascii_curves(shown):
    text = shown(lumi(), LC_ALL="C", PYTHONIOENCODING="ascii").decode("ascii")
    line = next(line for line in text.splitlines() if line.startswith("loss: "))
    curve = line.removeprefix("loss: 2.5 ").removesuffix(" 0.4424")
    assert len(curve) == 10
    assert (curve[0], curve[-1]) == ("@", "_")
    assert set(curve) <= set(PLAIN)
    assert "GCD 7: " in text


@pytest.mark.slow
def test_a_terminal_with_utf_8_gets_bars(shown):
    text = shown(lumi(), PYTHONIOENCODING="utf-8").decode()
    assert "loss: 2.5 █" in text
    assert "\x1b" not in text


@pytest.mark.slow
@pytest.mark.parametrize("option", ["-q", "-v", "--tb=short", "--tb=no", "--tb=line"])
def test_every_form_ends_with_the_verdict_and_where_the_report_is(shown, option):
    lines = shown(duplicates()[0], option, PYTHONIOENCODING="utf-8").decode().splitlines()
    assert "verdict: failed" in lines
    assert "cause: dup-one-run-per-rank: Every rank made its own W&B run (8 runs)" in lines
    assert any("report.html, summary.md, verdict.json" in line for line in lines)
    assert sum("Let rank 0 alone have a run" in line for line in lines) == 1
    assert not any("\x1b" in line for line in lines)


@pytest.mark.slow
def test_in_ci_and_on_a_dumb_terminal_the_short_summary_is_a_line_for_each_failed_check(shown):
    lines = shown(duplicates()[0], CI="true", TERM="dumb", PYTHONIOENCODING="utf-8").decode().splitlines()
    short = lines[next(n for n, line in enumerate(lines) if "short test summary info" in line) + 1 : -1]
    assert [line.partition("::")[2].partition(" - ")[::2] for line in short] == [
        ("test_exactly_one_run", "dup-one-run-per-rank: Every rank made its own W&B run (8 runs)"),
    ]


@pytest.mark.slow
def test_a_doubt_says_how_to_go_on(shown):
    lines = shown(inconclusive()[0], "--tb=no", PYTHONIOENCODING="utf-8").decode().splitlines()
    assert "verdict: inconclusive: something could not be checked" in lines
    assert any(line.endswith("-m pytest checks --run team/vit/abcd1234 --expect-points 4") for line in lines)


@pytest.mark.slow
def test_github_hears_nothing_but_our_own_annotations(shown):
    lines = shown(duplicates()[0], GITHUB_ACTIONS="true", PYTHONIOENCODING="utf-8").decode().splitlines()
    commands = [line for line in lines if line.strip().startswith("::")]
    assert commands[0].startswith("::stop-commands::")
    token = commands[0].removeprefix("::stop-commands::")
    assert len(token) == 32
    assert commands[1] == f"::{token}::"
    assert [c.partition(" ")[0] for c in commands[2:]] == ["::error"]


def test_the_pictures_in_readme_are_small():
    pictures = list((CLONE / "docs").glob("*.png"))
    assert pictures
    assert all(p.stat().st_size <= 75_000 for p in pictures)
