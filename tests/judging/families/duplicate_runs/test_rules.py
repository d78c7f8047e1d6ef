"""Rules of the family duplicate runs: each fires on its own pattern of runs and on no other's."""

import pytest

from harness.evidence.models import EpochSeen, Job, Request, RunLink, SdkLogs, SlurmJob, SystemSeries
from harness.evidence.models.wandb_log import LocalEnvironment, RunFacts
from harness.judging.duplicates import began_together, problem, same_id_writers
from harness.judging.families.duplicate_runs.rules import RULES
from harness.judging.findings import diagnose
from tests.judging import build as b

TOKEN = "harness-0123"


def request(nproc=2, nodes=1, **change):
    return Request(
        server="real", job_kind="script", job_path="train.py", nproc=nproc, nodes=nodes, token=TOKEN, **change
    )


def run(name, *, begun=1000.0, ended=1060.0, rows=3, group=TOKEN, host="nid005001", **change):
    slurm = change.pop("slurm", {})
    return b.server_run(
        id=name, created_at=begun, heartbeat_at=ended, rows=rows, group=group, host=host,
        **{"metadata": {"host": host, "slurm": slurm}, **change},
    )  # fmt: skip


def told(*runs, ask=None, **change):
    return b.evidence(request=ask or request(), server=b.server(*runs), **change)


def errors(found):
    return {i for i in b.hits(RULES, found) if i != "dup-shared-mode-legit"}


PATTERNS = {
    "one run": ([run("a")], request(4), set()),
    "every rank": ([run("a"), *(run(i, rows=0) for i in "bcd")], request(4), {"dup-one-run-per-rank"}),
    "every rank, all log": ([run("a"), run("b")], request(2), {"dup-one-run-per-rank"}),
    "two of four ranks": ([run("a"), run("b")], request(4), {"dup-one-run-per-rank"}),
    "every rank on two nodes": (
        [run(f"{h}{n}", host=h) for h in ("nid1", "nid2") for n in range(2)], request(2, 2), {"dup-one-run-per-rank"},
    ),
    "one for each node": ([run("a", host="nid1"), run("b", host="nid2")], request(8, 2), {"dup-one-run-per-node"}),
    "one for each node, told by Slurm": (
        [run("a", host="nid1", slurm={"nnodes": "2"}), run("b", host="nid2", slurm={"nnodes": "2"})],
        request(4), {"dup-one-run-per-node"},
    ),
    "one for each node, started by a script of unknown size": (
        [run("a", host="nid1", slurm={"nnodes": "2"}), run("b", host="nid2", slurm={"nnodes": "2"})],
        request(None), {"dup-one-run-per-node"},
    ),
    "one rank on each node": (
        [run("a", host="nid1"), run("b", host="nid2")], request(1, 2), {"dup-one-run-per-rank"},
    ),
    "ranks of a script of unknown size": ([run("a"), run("b")], request(None), {"dup-one-run-per-rank"}),
    "more at once than there are ranks": ([run("a"), run("b"), run("c")], request(2), set()),
    "plain srun": (
        [run("a", slurm={"procid": "0"}), run("b", slurm={"procid": "1"})], request(2), {"dup-rank-unset-srun"},
    ),
    "torchrun under srun": (
        [run("a", slurm={"procid": "0"}), run("b", slurm={"procid": "0"})], request(2), {"dup-one-run-per-rank"},
    ),
    "requeued": (
        [
            run("a", ended=1100.0, state="crashed", slurm={"restart_count": "0", "job_id": "7"}),
            run("b", begun=1300.0, ended=1400.0, slurm={"restart_count": "1", "job_id": "7"}),
        ],
        request(2), {"dup-requeue-new-run"},
    ),
    "workers": (
        [run("a"), *(run(i, rows=0, begun=1004.0) for i in "bc")], request(1), {"dup-dataloader-spawn"},
    ),
    "workers of rank 0": (
        [run("a"), run("b", rows=0, begun=1004.0, state="crashed")], request(2), {"dup-dataloader-spawn"},
    ),
    "workers that began in the same second": (
        [run("a"), *(run(i, rows=0) for i in "bc")], request(1), {"dup-dataloader-spawn"},
    ),
    "surplus runs that log too are none of workers": (
        [run("a"), run("b", rows=1, begun=1004.0), run("c", rows=0, begun=1004.0)], request(1), set(),
    ),
    "nothing logged anywhere": ([run("a", rows=0), run("b", rows=0, begun=1004.0)], request(1), set()),
    "an empty run before the one that logs": ([run("a", rows=0, begun=990.0), run("b")], request(1), set()),
    "a run whose beginning is not known": ([run("a", begun=None), run("b", rows=0)], request(1), set()),
    "an empty run whose beginning is not known": ([run("a"), run("b", rows=0, begun=None)], request(1), set()),
    "a rank of another node that was killed": (
        [run("a", host="nid1"), *(run(i, rows=0, begun=1004.0, host="nid2", state="crashed") for i in "bc")],
        request(2, 2), {"dup-one-run-per-rank"},
    ),
    "runs whose rows nobody counted": (
        [run("a"), *(run(i, rows=None, begun=1004.0, state="crashed") for i in "bc")], request(4),
        {"dup-one-run-per-rank"},
    ),
    "a rank that came late": ([run("a"), run("b", rows=0, begun=1004.0)], request(2), {"dup-one-run-per-rank"}),
    "one after the other": ([run("a", ended=1030.0), run("b", begun=1040.0)], request(2), set()),
    "grouped by the script": ([run("a", group="mine"), run("b", group="mine")], request(2), set()),
}  # fmt: skip


@pytest.mark.parametrize(("runs", "ask", "expected"), PATTERNS.values(), ids=PATTERNS)
def test_pattern_of_runs_names_the_fault(runs, ask, expected):
    assert errors(told(*runs, ask=ask)) == expected


EMPTY = (run("a", rows=0), run("b"), run("c", rows=0))
LATER = (run("a"), *(run(i, rows=0, begun=1004.0) for i in "bc"))


@pytest.mark.parametrize(
    ("runs", "ask", "reason"),
    [
        (EMPTY, request(4), "They were made at the same time by 4 ranks on nid005001."),
        (EMPTY, request(None), "They were made at the same time on nid005001."),
        ([r.model_copy(update={"host": None}) for r in EMPTY], request(4),
         "They were made at the same time by 4 ranks."),
        (LATER, request(1), "2 of them hold no metrics and began after the one that does; the job has 1 rank."),
        (LATER, request(2), "2 of them hold no metrics and began after the one that does; the job has 2 ranks."),
        ([r if r.rows else r.model_copy(update={"state": "crashed"}) for r in LATER], request(None),
         "2 of them hold no metrics and began after the one that does."),
    ],
)  # fmt: skip
def test_what_shows_where_the_runs_came_from_is_told(runs, ask, reason):
    (finding,) = diagnose(told(*runs, ask=ask), RULES)
    assert finding.observed == ("3 runs belong to this job: a, b, c.", reason)


@pytest.mark.parametrize(("pids", "expected"), [((7, 8), {"dup-dataloader-spawn"}), ((7, 7), set())])
def test_a_run_that_the_training_process_made_itself_is_no_workers(pids, expected):
    runs = (run("a", ended=1004.0), run("b", rows=0, begun=1004.0, state="failed"))
    local = (b.local_run(run_id=r.id, path=r.id, sdk_logs=SdkLogs(pid=p)) for r, p in zip(runs, pids, strict=True))
    assert errors(told(*runs, ask=request(2), local=b.local(*local))) == expected


def announced(*names):
    """Output that announces these runs and nothing else."""
    links = tuple(
        RunLink(url=f"https://wandb.ai/me/vit/runs/{name}", entity="me", project="vit", run_id=name, line=line)
        for line, name in enumerate(names, 1)
    )
    asked = Request(source="job_log", server="none", target="none")
    return b.evidence(request=asked, job=Job(output=b.output(links=links)), local=b.local(), server=b.server())


@pytest.mark.parametrize(
    ("found", "surplus"),
    [
        (told(*EMPTY, ask=request(4)), "a, c"),
        (told(run("a", rows=None), run("b", rows=1), ask=request(4)), "a"),
        (told(run("a", rows=0), run("b", rows=0), ask=request(4)), "b"),
        (announced("a", "b"), "all but the one that holds your metrics"),
    ],
    ids=["it has all rows", "rows of the others were not counted", "none has any", "by output alone nobody knows"],
)
def test_the_run_that_holds_the_training_is_not_to_be_removed(found, surplus):
    (finding,) = diagnose(found, RULES)
    assert finding.advice[-1] == f"Delete the extra runs in the project's table: {surplus}."


def test_requeue_is_told_by_slurm_where_the_runs_do_not_say():
    job = b.job().model_copy(update={"slurm": SlurmJob(job_id="7", restarts=1)})
    runs = (run("a", ended=1100.0), run("b", begun=1300.0, ended=1400.0))
    assert errors(told(*runs, job=job)) == {"dup-requeue-new-run"}


def test_offline_ranks_are_told_by_their_directories():
    runs = [b.local_run(run_id=i, path=f"/w/offline-run-{i}", offline=True, started_at=1000.0) for i in "ab"]
    found = b.evidence(request=request(offline=True), local=b.local(*runs), server=b.server())
    assert errors(found) == {"dup-one-run-per-rank"}


def test_hosts_of_listed_runs_come_from_their_directories():
    """Of all runs but the main one, only the listing is read on the server."""
    places = {"a": "nid1", "b": "nid2"}
    slurm = {"nnodes": "2"}
    runs = [
        b.local_run(run_id=i, path=f"/w/{i}", log=b.log(environment=LocalEnvironment(host=host, slurm=slurm)))
        for i, host in places.items()
    ]
    found = told(*(run(i, host=None, metadata={}) for i in places), ask=request(4), local=b.local(*runs))
    assert errors(found) == {"dup-one-run-per-node"}


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "WORLD_SIZE"])
def test_missing_rank_variable(name):
    failed = b.job(ending="failed", output=b.output("Traceback", errors=(b.error("KeyError", f"'{name}'"),)))
    assert errors(b.no_run(job=failed)) == {"dup-rank-unset-srun"}


def test_the_line_that_asked_for_the_rank_is_told():
    frames = ('File "train.py", line 90, in <module>', '  File "train.py", line 4, in setup')
    asked = b.output("Traceback", errors=(b.error("KeyError", "'RANK'", frames=frames),))
    hit = b.hits(RULES, b.no_run(job=b.job(ending="failed", output=asked)))["dup-rank-unset-srun"]
    assert hit.observed == ("The job stopped with KeyError: 'RANK' at File \"train.py\", line 4, in setup.",)


def test_another_key_error_is_not_a_rank():
    failed = b.job(ending="failed", output=b.output("Traceback", errors=(b.error("KeyError", "'loss'"),)))
    assert errors(b.no_run(job=failed)) == set()


def directories(**change):
    return [b.local_run(path=f"/w/run-x{s}", **change) for s in ("", "-1")]


def test_same_id_on_every_rank():
    found = told(run(b.RUN_ID), local=b.local(*directories()))
    assert errors(found) == {"dup-same-id-all-ranks"}
    assert "2 processes wrote into the one run" in problem(found)


def test_resumed_run_has_two_directories_and_one_writer_at_a_time():
    first, second = directories()
    first = first.model_copy(update={"log": b.log(history_last_time=1005.0)})
    second = second.model_copy(update={"started_at": 1010.0, "log": b.log(run=RunFacts(resumed=True))})
    found = told(run(b.RUN_ID), local=b.local(first, second))
    assert errors(found) == set()
    assert problem(found) is None


def shared(**settings):
    return [
        r.model_copy(update={"log": b.log(settings={"mode": "shared", **settings}, writer_labels=(f"rank_{n}",))})
        for n, r in enumerate(directories())
    ]


def test_shared_mode_is_fine():
    found = told(run(b.RUN_ID), local=b.local(*shared()))
    assert set(b.hits(RULES, found)) == {"dup-shared-mode-legit"}
    assert problem(found) is None
    assert same_id_writers(found) == ()


def test_only_the_writers_of_the_shared_run_are_counted():
    beside = b.local_run(run_id="other", path="/w/run-other")
    hit = b.hits(RULES, told(run(b.RUN_ID), local=b.local(*shared(), beside)))["dup-shared-mode-legit"]
    assert hit.observed == ("2 processes write into one run (rank_0, rank_1).",)


def test_shared_mode_is_seen_by_labels_on_the_server():
    key = "system.cpu/l:rank_0"
    found = told(run(b.RUN_ID, system={key: SystemSeries(key=key, count=1)}), local=b.local(*directories()))
    hits = b.hits(RULES, found)
    assert set(hits) == {"dup-shared-mode-legit"}
    assert hits["dup-shared-mode-legit"].observed == ("2 processes write into one run.",)


def test_two_primaries():
    found = told(run(b.RUN_ID), local=b.local(*shared(x_primary=True)))
    assert errors(found) == {"dup-shared-two-primaries"}


@pytest.mark.parametrize(
    ("recorded", "sdk", "expected"),
    [(2, "0.31.0", {"dup-shared-two-primaries"}), (1, "0.31.0", set()), (2, "0.28.2", set())],
)
def test_primaries_are_told_by_the_environment_that_they_record(recorded, sdk, expected):
    """Older SDKs were not measured, so their environments prove nothing."""
    writers = [
        r.model_copy(update={"log": r.log.model_copy(update={
            "sdk_version": sdk, "environment": LocalEnvironment(host="nid1") if n < recorded else None,
        })})
        for n, r in enumerate(shared())
    ]  # fmt: skip
    assert errors(told(run(b.RUN_ID), local=b.local(*writers))) == expected


@pytest.mark.parametrize(
    ("run_id", "count", "first_step", "overwritten"),
    [(b.RUN_ID, 7, 3, True), (b.RUN_ID, 10, 3, False), (b.RUN_ID, 7, 0, False), ("other", 7, 3, False)],
    ids=["a later beginning", "as many points as on disk", "the end is missing", "another run"],
)
def test_late_writer_overwrote_first_rows(run_id, count, first_step, overwritten):
    summary = b.disk_series("loss", range(10))
    first, second = shared()
    first = first.model_copy(
        update={"log": first.log.model_copy(update={"history_rows": 10, "series": {"loss": summary}})}
    )
    series = {"loss": b.server_series("loss", count=count, numbers=count, first_step=first_step, last_step=9)}
    found = told(run(run_id, series=series), local=b.local(first, second))
    assert errors(found) == ({"dup-shared-history-overwrite"} if overwritten else set())


def test_problem_counts_runs_that_are_not_listed():
    found = b.evidence(request=request(8), server=b.server(run("a"), run("b"), runs_total=8))
    assert problem(found).startswith("8 runs where one was meant: a, b")


def test_groups_come_from_the_disk_too():
    log = b.log(run=RunFacts(group="mine"))
    runs = [b.local_run(run_id=i, path=f"/w/{i}", offline=True, log=log) for i in "ab"]
    found = b.evidence(request=request(offline=True), local=b.local(*runs), server=b.server())
    assert problem(found) is None


def test_runs_of_one_process_are_no_runs_of_ranks():
    runs = (run("a"), run("b", begun=1003.0))
    logs = [b.local_run(run_id=i, sdk_logs=SdkLogs(pid=7)) for i in "ab"]
    assert errors(told(*runs)) == {"dup-one-run-per-rank"}
    assert errors(told(*runs, local=b.local(*logs))) == set()


@pytest.mark.parametrize(
    ("epoch_line", "printed", "starts", "side_by_side"),
    [
        (9, 1, (), True),
        (2, 1, (), False),
        (2, 2, (), True),
        (2, 1, (1, 3), True),
        (2, 1, (1, 4), False),
    ],
    ids=[
        "announced before any trained", "one after the other", "each rank printed every epoch",
        "a file for each rank", "one after the other in one of the files",
    ],
)  # fmt: skip
def test_of_output_alone_the_order_of_lines_tells_whether_runs_began_together(
    epoch_line, printed, starts, side_by_side
):
    links = tuple(
        RunLink(url=f"https://wandb.ai/me/vit/runs/{name}", entity="me", project="vit", run_id=name, line=line)
        for name, line in (("a", 1), ("b", 3))
    )
    epochs = (EpochSeen(epoch=1, line=epoch_line),)
    said = b.output(links=links, epochs=epochs, epochs_total=printed, file_starts=starts)
    found = b.evidence(request=Request(source="job_log", server="none", target="none"), job=Job(output=said))
    assert began_together(found, ()) is side_by_side


def test_a_pattern_of_runs_does_not_end_a_job():
    found = told(run("a", slurm={"procid": "0"}), run("b", slurm={"procid": "1"}), ask=request(2))
    assert b.hits(RULES, found)["dup-rank-unset-srun"].fails == ("test_exactly_one_run",)
