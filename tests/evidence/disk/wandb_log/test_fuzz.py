"""Damaged logs in the quick suite: hundreds here, 100,000 in `fuzz.py`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.evidence.disk.wandb_log.framing import iter_records
from harness.evidence.disk.wandb_log.reader import read_wandb_log
from tests.evidence.disk.wandb_log import fuzz
from tests.evidence.disk.wandb_log.mutate import mend, mutated, seeds

SEEDS = seeds()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.sampled_from(SEEDS))
def test_damage_of_many_kinds(tmp_path: Path, chance: random.Random, seed: bytes) -> None:
    data = mutated(seed, chance)
    path = tmp_path / "run.wandb"
    path.write_bytes(data)
    log = read_wandb_log(path)
    fuzz.check(data, log)
    undecodable = sum(problem.what in ("undecodable_record", "record_too_large") for problem in log.problems)
    if not log.problems_dropped and log.status != "not_a_wandb_file":
        assert sum(log.records.values()) + undecodable == sum(1 for _ in iter_records(path))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_any_bytes(tmp_path: Path, data: bytes, with_header: bool, mended: bool) -> None:
    whole = bytearray((b":W&B\xe1\xbe\x00" if with_header else b"") + data)
    if mended:
        mend(whole)
    path = tmp_path / "run.wandb"
    path.write_bytes(whole)
    fuzz.check(bytes(whole), read_wandb_log(path))


@pytest.mark.parametrize("seed", SEEDS, ids=len)
def test_mending_a_sound_log_changes_nothing(seed: bytes) -> None:
    data = bytearray(seed)
    mend(data)
    assert bytes(data) == seed


def test_the_fuzzer_reports_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    part = fuzz.run(0, 20, 2)
    assert part.statuses.total() == 10
    assert part.failure == ""
    monkeypatch.setattr(fuzz, "check", lambda *_: 1 / 0)
    assert fuzz.run(7, 20, 2).failure.startswith("number 7:\n")
