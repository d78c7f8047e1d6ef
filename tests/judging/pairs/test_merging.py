"""The merge is honest: it keeps what either job has beside a healthy one, and says where they contradict each other."""

import pytest

from tests.judging import build as b
from tests.judging.pairs.merging import ContradictionError, joined, prepared

TOKEN = {"token": "harness-0123456789ab"}


def case(**change):
    return b.evidence(**{"created_at": 2000.0, **change})


def merged(one, other, base=None):
    healthy = prepared(base or case())
    return joined(healthy, prepared(one, healthy), prepared(other, healthy))


def contradiction(one, other):
    with pytest.raises(ContradictionError) as raised:
        merged(one, other)
    return str(raised.value)


def run_with(*names, **change):
    return b.server(b.server_run(series={n: b.server_series(n) for n in names}, **change))


def test_what_one_changed_and_the_other_did_not_is_changed():
    found = merged(case(server=run_with("acc", "train_loss")), case(setup=b.setup(script_key_line=3)))
    assert set(found.server.runs[0].series) == {"acc", "train_loss"}
    assert found.setup.script_key_line == 3


def test_both_may_change_it_in_the_same_way_and_not_in_two_ways():
    failed = case(job=b.job("x", ending="failed"))
    assert merged(failed, failed).job.ending == "failed"
    assert contradiction(failed, case(job=b.job("x", ending="timeout"))) == "job.ending"


def test_lines_of_both_are_there_and_those_of_the_second_come_last():
    base = case(job=b.job("Epoch 1"))
    one, other = case(job=b.job("Epoch 1", "wandb: a")), case(job=b.job("Epoch 1", "ValueError: b"))
    found = merged(one, other, base).job.output.notable
    assert [(line.number, line.text) for line in found] == [(1, "Epoch 1"), (2, "wandb: a"), (4, "ValueError: b")]


def test_a_line_that_one_of_them_lacks_is_gone():
    base = case(job=b.job("wandb: View run", "end"))
    found = merged(case(job=b.job("end")), case(job=b.job("wandb: View run", "end", "more")), base)
    assert [line.text for line in found.job.output.notable] == ["end", "more"]


def test_clocks_ports_ids_and_tokens_contradict_nobody():
    one = case(created_at=9000.0, job=b.job("x", started_at=8000.0, ended_at=8010.0))
    other = case(created_at=5000.0, job=b.job("x", started_at=4000.0, ended_at=4030.0),
                 server=b.server(b.server_run(id="other")), local=b.local(b.local_run(run_id="other")))  # fmt: skip
    base = case(job=b.job("x", started_at=100.0, ended_at=112.0))
    assert merged(one, other, base).server.runs[0].id == "run00000"


def test_a_job_that_made_no_run_has_no_other_one_s():
    none = case(server=b.server(), local=b.local())
    assert contradiction(none, case(server=run_with("acc"))) == "server.runs"
    assert merged(none, case(setup=b.setup(script_key_line=3))).server.runs == ()


def test_further_runs_of_one_job_are_kept_and_those_of_two_are_not():
    two = case(server=b.server(b.server_run(), b.server_run(id="second")))
    assert [r.id for r in merged(two, case(setup=b.setup(script_key_line=3))).server.runs] == ["run00000", "run00001"]
    assert contradiction(two, case(server=b.server(b.server_run(), b.server_run(id="third", rows=9)))) == "server.runs"


def test_a_job_that_never_began_did_nothing():
    never = b.not_started(created_at=2000.0)
    assert contradiction(never, case(job=b.job("x", ending="failed"))).startswith("one job never began")
    assert merged(never, case(setup=b.setup(script_key_line=3))).job.ending == "not_submitted"


def test_a_job_has_one_sdk():
    old = case(local=b.local(b.local_run(log=b.log(sdk_version="0.19.5"))))
    assert contradiction(old, case(local=b.local(b.local_run(offline=True)))) == "the SDK's version"
