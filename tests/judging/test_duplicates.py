"""The runs of one job side by side: who made them, in which order, and whether several were meant."""

import pytest

from harness.evidence.models import EpochSeen, Job, Request, RunLink
from harness.evidence.models.wandb_log import RunFacts
from harness.judging.duplicates import began_together, listed, problem, same_id_writers, together, writers
from harness.judging.families.duplicate_runs.rules import RULES
from tests.judging import build as b


def made(*spans):
    """Runs of one job on the server, each from its beginning to its end."""
    runs = (
        b.server_run(id=n, created_at=begun, heartbeat_at=ended)
        for n, (begun, ended) in zip("abc", spans, strict=False)
    )
    return b.evidence(server=b.server(*runs), local=b.local())


@pytest.mark.parametrize(
    ("spans", "side_by_side"),
    [
        ([(1000.0, 1060.0), (1003.0, 1060.0)], True),
        ([(1000.0, 1060.0), (1016.0, 1060.0)], False),
        ([(1000.0, 1003.0), (1003.0, 1060.0)], True),
        ([(1000.0, 1002.2), (1003.0, 1060.0)], True),
        ([(1000.0, 1001.5), (1003.0, 1060.0)], False),
        ([(1000.0, None), (1003.0, None)], True),
        ([(1000.0, 1060.0), (None, 1060.0)], False),
    ],
    ids=[
        "all at once", "a later start", "one ended as the next began", "the same, by times of whole seconds",
        "one ended before the next began", "no end is known", "a beginning is not known",
    ],
)  # fmt: skip
def test_runs_that_began_together(spans, side_by_side):
    assert together(list(writers(made(*spans)))) is side_by_side


def test_runs_are_told_in_the_order_in_which_they_began():
    found = made((1020.0, None), (1000.0, None), (1000.0, None))
    assert problem(found) == "3 runs where one was meant: b, c, a"


def test_two_runs_are_one_too_many():
    assert problem(made((1000.0, None), (1000.0, None))) == "2 runs where one was meant: a, b"
    assert problem(made((1000.0, None))) is None


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([("0", "0"), ("0", "1")], None),
        ([("0", "0"), ("0", "0"), ("0", "1")], "2 runs where one was meant: a, b"),
        ([("0", "0"), ("1", "0")], "2 runs where one was meant: a, b"),
        ([("0", "0"), ("1", "1")], "2 runs where one was meant: a, b"),
        ([("0", "0"), ("0", "1"), ("1", "1"), ("1", "2")], "2 runs where one was meant: a, c"),
        ([("0", "2"), ("0", "10")], None),
    ],
    ids=[
        "two steps on purpose", "two in one of them", "a restart", "a restart whose step has another number",
        "two steps, and a restart", "steps by number",
    ],
)  # fmt: skip
def test_a_run_for_each_job_step_is_meant_but_not_for_each_start(steps, says):
    runs = [
        b.server_run(
            id=run_id, created_at=1000.0 + n,
            metadata={"slurm": {"job_id": "7", "step_id": step, "restart_count": start}},
        )
        for n, (run_id, (start, step)) in enumerate(zip("abcd", steps, strict=False))
    ]  # fmt: skip
    assert problem(b.evidence(server=b.server(*runs), local=b.local())) == says


def opened(*spans):
    """Directories of one run, made in the same second: when each run began in it, and when its last row was logged."""
    logs = (b.log(run=RunFacts(start_time=begun), history_last_time=ended) for begun, ended in spans)
    return b.evidence(local=b.local(*(b.local_run(path=f"/w/run-x-{n}", log=log) for n, log in enumerate(logs))))


@pytest.mark.parametrize(
    ("spans", "at_the_same_time"),
    [
        ([(1000.0, 1000.6), (1000.4, 1000.8)], True),
        ([(1000.0, 1000.2), (1000.4, 1000.8)], False),
        ([(1000.0, 1000.4), (1000.4, 1000.8)], False),
        ([(1000.4, 1000.8), (1000.0, 1000.2)], False),
        ([(1000.0, 1000.2), (1000.4, 1000.8), (1000.6, 1000.9)], True),
        ([(1000.0, 1000.2), (1000.4, None)], True),
        ([(1000.0, 1000.2), (None, 1000.8)], True),
    ],
    ids=[
        "two writers", "resumed after its last row", "resumed at its last row", "resumed, listed backwards",
        "resumed by two", "it logged no row", "nobody says when it began",
    ],
)  # fmt: skip
def test_a_run_that_one_process_resumes_at_once_has_one_writer_at_a_time(spans, at_the_same_time):
    found = opened(*spans)
    assert [run.path for run in same_id_writers(found)] == [
        run.path for run in found.local.runs if at_the_same_time
    ]  # fmt: skip


def test_a_process_without_a_run_record_may_have_been_a_second_writer():
    first, second = opened((1000.0, 1000.2), (1000.4, 1000.8)).local.runs
    second = second.model_copy(update={"log": b.log(run=None, history_last_time=1000.8)})
    assert len(same_id_writers(b.evidence(local=b.local(first, second)))) == 2


def test_of_a_resumed_offline_run_the_directory_with_most_rows_stands_for_it():
    request = Request(server="real", job_kind="script", offline=True)
    runs = [
        b.local_run(path=f"/w/{n}", offline=True, started_at=1000.0 + 60 * n, log=b.log(history_rows=rows))
        for n, rows in enumerate((2, 7, 3))
    ]
    (only,) = writers(b.evidence(request=request, local=b.local(*runs), server=b.server()))
    assert (only.where, only.rows) == ("/w/1", 7)


def test_the_host_is_told_by_the_run_record_where_nothing_else_tells_it():
    """Older SDKs keep the environment in wandb-metadata.json, which an offline run does not have."""
    runs = [b.local_run(run_id=n, path=f"/w/{n}", offline=True, log=b.log(run=RunFacts(host=f"nid-{n}"))) for n in "ab"]
    request = Request(server="real", job_kind="script", offline=True, nproc=4, nodes=2)
    found = b.hits(RULES, b.evidence(request=request, local=b.local(*runs), server=b.server()))
    assert found["dup-one-run-per-node"].observed[-1] == "One run came from each of the nodes nid-a, nid-b."


def test_names_beyond_four_are_counted():
    assert listed("abcd") == "a, b, c, d"
    assert listed("abcdef") == "a, b, c, d and 2 more"


def link(name, line):
    return RunLink(url=f"https://wandb.ai/me/vit/runs/{name}", entity="me", project="vit", run_id=name, line=line)


ALONE = Request(source="job_log", server="none", target="none")


def printed(*links, **change):
    return b.evidence(request=ALONE, setup=None, local=b.local(), server=b.server(),
                      job=Job(output=b.output(links=links, **change)))  # fmt: skip


def test_output_alone_tells_of_a_run_for_each_rank():
    found = printed(link("b", 1), link("a", 2), link("b", 9))
    hit = b.hits(RULES, found)["dup-one-run-per-rank"]
    assert hit.observed == ("2 runs belong to this job: b, a.", "They were made at the same time.")


def test_a_rank_that_called_init_late_has_a_file_of_its_own():
    """Each file announces one run: that its rank printed an epoch before says nothing of the others."""
    epochs = (EpochSeen(epoch=1, line=4),)
    found = printed(link("a", 1), link("b", 5), epochs=epochs, epochs_total=1, file_starts=(1, 4))
    assert began_together(found, ()) is True


@pytest.mark.parametrize(
    ("named_again_by", "side_by_side"),
    [
        ("wandb: 🚀 View run first at: https://wandb.ai/me/vit/runs/a", False),
        ("see https://wandb.ai/me/vit/runs/a", True),
    ],
    ids=["the SDK, which closed it", "the script, which runs on"],
)
def test_a_run_that_was_closed_before_the_next_began_is_no_other_ranks(named_again_by, side_by_side):
    """Two runs, one after the other, print every epoch twice, as two ranks do."""
    epochs = (EpochSeen(epoch=1, line=2), EpochSeen(epoch=1, line=5))
    links = (link("a", 1), link("b", 4))
    begun = [f"wandb: 🚀 View run at {run.url}" for run in links]
    words = (begun[0], "Epoch 1", named_again_by, begun[1], "Epoch 1")
    found = b.evidence(request=ALONE, setup=None, local=b.local(), server=b.server(),
                       job=Job(output=b.output(*words, links=links, epochs=epochs, epochs_total=2)))  # fmt: skip
    assert began_together(found, ()) is side_by_side


def test_a_file_that_only_closes_runs_says_nothing_of_how_they_began():
    links = (link("a", 1), link("b", 2))
    words = (
        *(f"wandb: View run at {run.url}" for run in links),
        "Epoch 1",
        f"wandb: View run first at: {links[0].url}",
    )
    found = b.evidence(request=ALONE, setup=None, local=b.local(), server=b.server(),
                       job=Job(output=b.output(*words, links=links, file_starts=(1, 4))))  # fmt: skip
    assert began_together(found, ()) is True


def test_runs_of_different_job_types_one_after_the_other_are_meant():
    def phases(*kinds, second=1010.0):
        runs = (b.server_run(id=n, created_at=begun, heartbeat_at=begun + 9, job_type=kind)
                for n, kind, begun in zip("ab", kinds, (1000.0, second), strict=True))  # fmt: skip
        return b.evidence(server=b.server(*runs), local=b.local())

    assert problem(phases("train", "eval")) is None
    assert b.hits(RULES, phases("train", "eval")) == {}
    assert problem(phases("train", "train")) is not None
    assert problem(phases("train", None)) is not None
    assert problem(phases("train", "eval", second=1002.0)) is not None


@pytest.mark.parametrize(("sweeps", "fine"), [(("s1", "s1"), True), (("s1", "s2"), True), (("s1", ""), False)])
def test_trials_of_a_sweep_are_meant(sweeps, fine):
    runs = [
        b.local_run(run_id=name, log=b.log(run=RunFacts(run_id=name, sweep_id=sweep)))
        for name, sweep in zip("ab", sweeps, strict=True)
    ]
    found = b.evidence(local=b.local(*runs), server=b.server(*(b.server_run(id=name) for name in "ab")))
    assert (problem(found) is None) is fine
