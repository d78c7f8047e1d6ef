"""Law 2 for identity: a neighbour's run, folder or job beside any evidence changes nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.evidence.models import Evidence, LocalRun, SlurmJob
from harness.evidence.models.wandb_log import LocalEnvironment, LocalLog, RunFacts
from harness.evidence.own_runs import of_job, own
from harness.judging.judge import judge
from harness.verification.run_search import where_to_look
from tests.faults.recorded import recordings, verdict
from tests.judging import build as b
from tests.judging.laws.drawing import names

OF_JOBS = names(lambda e: e.request.source == "job" and e.job is not None)
TOKEN = "harness-ffffffffffff"


def neighbour(run: LocalRun, number: int, *, folder: str, marked: bool, step: str | None) -> LocalRun:
    """A run of the same user, with the same names and at the same time, of another Slurm job."""
    run_id = f"other{number:03}"
    slurm = {"job_id": f"99{number}", "jobid": f"99{number}"} | ({"step_id": step} if step else {})
    facts = (run.log.run or RunFacts()).model_copy(
        update={"run_id": run_id, "tags": (TOKEN,) if marked else (), "group": TOKEN if marked else ""}
    )
    environment = (run.log.environment or LocalEnvironment()).model_copy(update={"slurm": slurm})
    log = run.log.model_copy(update={"run": facts, "environment": environment, "history_rows": 5000})
    return run.model_copy(
        update={"run_id": run_id, "path": f"{folder}/run-20261129_120000-{run_id}", "log": log, "metadata": {}}
    )


@settings(max_examples=75, deadline=None)
@given(
    OF_JOBS, st.integers(1, 12), st.booleans(), st.sampled_from([None, "0", "1"]), st.booleans(),
    st.booleans(),
)  # fmt: skip
def test_neighbours_change_nothing(name: str, count: int, marked: bool, step: str | None, near: bool, listed: bool):
    evidence = recordings()[name]
    like = evidence.local.runs[0] if evidence.local.runs else b.local_run()
    folder = like.path.rpartition("/")[0] if near and evidence.request.token else "/tmp/wandb"
    others = [neighbour(like, n, folder=folder, marked=marked, step=step) for n in range(count)]
    update: dict[str, object] = {
        "local": evidence.local.model_copy(update={"runs": (*others[:1], *evidence.local.runs, *others[1:])})
    }
    if listed and evidence.server.runs:
        shown = [
            evidence.server.runs[0].model_copy(
                update={"id": o.run_id, "tags": (), "group": "", "found_by": "id", "slurm_job_id": f"99{n}",
                        "metadata": {"slurm": {"job_id": f"99{n}"}}}
            )
            for n, o in enumerate(others)
        ]  # fmt: skip
        update["server"] = evidence.server.model_copy(
            update={"runs": (*evidence.server.runs, *shown), "runs_total": evidence.server.runs_total + count}
        )
    assert judge(evidence.model_copy(update=update)) == verdict(name)


def test_who_is_the_job():
    job = SlurmJob(job_id="7")
    assert of_job({"job_id": "7"}, job) is True
    assert of_job({"job_id": "8"}, job) is False
    assert of_job({}, job) is None


def test_the_number_of_an_array_is_also_that_of_its_last_task():
    last = {"job_id": "7", "array_job_id": "7", "array_task_id": "2"}
    first = {"job_id": "8", "array_job_id": "7", "array_task_id": "1"}
    assert [of_job(t, SlurmJob(job_id="7_1", raw_id="8")) for t in (first, last)] == [True, False]
    assert [of_job(t, SlurmJob(job_id="7_2", raw_id="7")) for t in (first, last)] == [False, True]
    assert [of_job(t, SlurmJob(job_id="7")) for t in (first, last)] == [True, True]
    assert [of_job(t, SlurmJob(job_id="8")) for t in (first, last)] == [True, False]


def test_a_run_that_the_next_task_went_on_with_is_also_the_first_ones():
    """The server keeps what the last task said; the first one's directory tells that it had a part in the run."""
    first, last = ({"job_id": n, "array_job_id": "7", "array_task_id": t} for n, t in (("8", "1"), ("7", "2")))
    parts = [
        b.local_run(path=f"/w/wandb/run-{n}-{b.RUN_ID}", log=b.log(environment=LocalEnvironment(slurm=slurm)))
        for n, slurm in enumerate((first, last))
    ]
    shown = b.server(b.server_run(metadata={"slurm": last}), b.server_run(id="other", metadata={"slurm": last}))
    evidence = attached(*parts).model_copy(update={"server": shown})
    job = evidence.job.model_copy(update={"slurm": SlurmJob(job_id="7_1", raw_id="8", nodes=("nid1",))})
    left = own(evidence.model_copy(update={"job": job}))
    assert [run.path for run in left.local.runs] == [parts[0].path]
    assert [run.id for run in left.server.runs] == [b.RUN_ID]


def test_a_step_is_told_by_its_number_and_a_component_by_its_nodes():
    step = SlurmJob(job_id="7", step="1")
    assert [of_job({"job_id": "7", "step_id": n}, step) for n in ("0", "1")] == [False, True]
    nodes = {"job_id": "7", "job_nodelist_het_group_0": "a", "job_nodelist_het_group_1": "b"}
    part = SlurmJob(job_id="7+1", raw_id="8", leader="7")
    assert [of_job({**nodes, "job_nodelist": n}, part) for n in ("a", "b")] == [False, True]
    assert of_job({**nodes, "job_nodelist": "a"}, SlurmJob(job_id="7")) is True


def attached(*runs: LocalRun, **change) -> Evidence:
    """A job that was submitted by hand, on one node, for a hundred seconds."""
    slurm = SlurmJob(job_id="7", nodes=("nid1",), attached=True)
    job = b.job().model_copy(update={"slurm": slurm, "started_at": 1000.0, "ended_at": 1100.0, **change})
    request = b.evidence().request.model_copy(update={"source": "job", "target": "slurm", "token": None})
    return b.evidence(request=request, job=job, local=b.local(*runs))


def told(name: str, *, job: str | None = None, host: str = "nid1", begun: float = 1010.0) -> LocalRun:
    slurm = {"job_id": job} if job else {}
    facts = RunFacts(run_id=name, start_time=begun)
    log = b.log(run=facts, environment=LocalEnvironment(host=host, slurm=slurm))
    return b.local_run(run_id=name, path=f"/w/wandb/run-20261129_120000-{name}", log=log)


def kept(evidence: Evidence) -> list[str]:
    return [run.run_id for run in own(evidence).local.runs]


def test_slurm_ids_come_before_hosts_and_times():
    assert kept(attached(told("a", job="7", host="elsewhere", begun=9000.0), told("b", job="8"))) == ["a"]


def test_without_slurm_ids_the_host_and_the_window_decide():
    assert kept(attached(told("a"), told("b", host="nid2"), told("c", begun=1500.0), told("d", begun=100.0))) == ["a"]
    assert kept(attached(told("early", begun=100.0), told("a"))) == ["a"]


def test_an_earlier_attempt_began_before_the_start_that_is_known():
    evidence = attached(told("early", begun=100.0))
    requeued = evidence.job.slurm.model_copy(update={"restarts": 1})
    evidence = evidence.model_copy(update={"job": evidence.job.model_copy(update={"slurm": requeued})})
    assert kept(evidence) == ["early"]


def test_a_run_that_may_be_of_two_jobs_is_not_checked_and_told_with_both():
    evidence = attached(told("a", job="7"), told("b", job="8"), told("c"))
    left = own(evidence)
    assert [run.run_id for run in left.local.runs] == ["a"]
    assert "of job 7 or of 8" in left.local.undecided[0]
    result = next(c for c in judge(evidence).checks if c.name.endswith("test_exactly_one_run"))
    assert (result.outcome, "of job 7 or of 8" in result.reason) == ("not_checked", True)


def test_what_the_output_names_is_the_jobs_beside_a_neighbour():
    output = b.output(run_dirs=("wandb/run-20261129_120000-c",))
    assert kept(attached(told("b", job="8"), told("c"), output=output)) == ["c"]


def test_runs_of_another_step_are_known_before_the_server_is_asked():
    """The output of a job names the runs of all its steps, and details are read of one run alone."""
    evidence = attached(told("a", job="7"), told("b", job="8"), output=b.output(run_dirs=()))
    local = own(evidence).local
    assert local.others == ("b",)
    assert own(evidence.model_copy(update={"local": local})).local == local
    listed = b.server(b.server_run(id="a"), b.server_run(id="b"))
    left = own(evidence.model_copy(update={"local": local, "server": listed}))
    assert [run.id for run in left.server.runs] == ["a"]
    assert where_to_look(evidence.request, None, None, local).theirs == {"b"}


def test_a_run_that_two_jobs_went_on_with_is_each_ones():
    mine, theirs = told("a", job="7"), told("a", job="8").model_copy(update={"path": "/w/wandb/run-20261129_110000-a"})
    local = own(attached(mine, theirs)).local
    assert (local.runs, local.others) == ((mine,), ())


def test_a_start_that_was_given_a_number_of_its_own_is_the_jobs_though_its_log_tells_of_no_token():
    """A script that starts itself again as Slurm does; the first start was killed before its log was written."""
    second = told("second", job="77")
    second = second.model_copy(
        update={"log": second.log.model_copy(update={"run": second.log.run.model_copy(update={"tags": (TOKEN,)})})}
    )
    first = b.local_run(
        run_id="first", path="/w/wandb/run-20261129_110000-first", log=LocalLog(path="run-first.wandb", status="empty"),
        metadata={"slurm": {"job_id": "77"}},
    )  # fmt: skip
    request = b.evidence().request.model_copy(update={"source": "job", "token": TOKEN})
    found = b.evidence(request=request, job=b.job(), local=b.local(first, second))
    assert kept(found) == ["first", "second"]
    assert own(found).local.others == ()
