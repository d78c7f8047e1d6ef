"""The mutation check itself: changes of each kind are made, and the quick tests notice most of a sample."""

import gc
import importlib
import os
import subprocess
import sys

import pytest

from lab.mutation.explained import EXPLAINED
from lab.mutation.mutants import mutants
from lab.mutation.play import _fork, put
from lab.mutation.score import ROOT, sample

ENOUGH, COUNT = 0.8, 24


@pytest.mark.slow
@pytest.mark.thorough
def test_most_of_a_sample_are_killed():
    command = [sys.executable, "-m", "lab.mutation", "-n", str(COUNT)]
    ran = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True, timeout=1200)
    *survivors, score = ran.stdout.splitlines()
    killed = int(score.split(f" of {COUNT} mutants killed ")[0])
    assert killed >= ENOUGH * COUNT, ran.stdout
    assert len(survivors) == COUNT - killed


def test_a_change_of_each_kind_is_made(tmp_path):
    module = tmp_path / "module.py"
    module.write_text("LIMIT = 3\n\ndef f(a, b=1):\n    if a and not b:\n        return a[:2] + 1\n    return None\n")
    assert [mutant.text for mutant in mutants(module)] == [
        "a, b=1  →  a, b=2",
        "if a and (not b)  →  if not (a and (not b))",
        "a and (not b)  →  a or not b",
        "not b  →  b and b",
        "return a[:2] + 1  →  return None",
        "a[:2] + 1  →  a[:2] - 1",
        "a[:2]  →  a[:3]",
        "a[:2] + 1  →  a[:2] + 2",
    ]


def test_a_change_reaches_what_was_frozen(tmp_path, monkeypatch):
    (tmp_path / "subject_of_change.py").write_text("def answer():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("subject_of_change")
    change = next(m for m in mutants(tmp_path / "subject_of_change.py") if m.text == "return 1  →  return None")

    def played():
        gc.freeze()
        put(change)
        assert module.answer() is None

    _, status = os.waitpid(_fork(played), 0)  # by itself: it empties every cache
    assert status == 0


@pytest.mark.slow
def test_every_explanation_still_explains_something():
    everything = sample(None, 0)
    assert [kind.change for kind in EXPLAINED if not any(kind.covers(mutant) for mutant in everything)] == []
