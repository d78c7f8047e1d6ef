"""Law 8: a run that carries the job's token is the job's; beside one, none without it is, wherever its folder lies."""

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.evidence.models import Evidence, LocalRun, Request
from harness.evidence.models.wandb_log import RunFacts
from harness.evidence.own_runs import own
from harness.judging.judge import judge
from tests.faults.recorded import recordings, verdict
from tests.judging import build as b
from tests.judging.laws.drawing import names

TOKEN = "harness-0123456789ab"


def with_token(evidence: Evidence) -> bool:
    token = evidence.request.token
    return bool(token) and any(r.log.run and token in r.log.run.tags for r in evidence.local.runs)


FOLDERS = ("/tmp/wandb", "/scratch/me/wandb", "/somebody/wandb")


def foreign(run: LocalRun, number: int, folder: str) -> LocalRun:
    """Somebody else's run, with a log of its own."""
    facts = RunFacts(entity="others", project="theirs", run_id=f"other{number:03}", group="sweep", tags=("mine",))
    log = run.log.model_copy(update={"run": facts, "history_rows": 5000})
    update = {"run_id": facts.run_id, "path": f"{folder}/run-20261129_120000-{facts.run_id}", "log": log}
    return run.model_copy(update=update)


@settings(max_examples=100, deadline=None)
@given(names(with_token), st.integers(1, 3), st.sampled_from(FOLDERS), st.booleans())
def test_runs_of_others_change_nothing(name: str, count: int, folder: str, on_server: bool):
    evidence = recordings()[name]
    others = [foreign(evidence.local.runs[0], n, folder) for n in range(count)]
    update: dict[str, object] = {
        "local": evidence.local.model_copy(update={"runs": (*others[:1], *evidence.local.runs, *others[1:])})
    }
    if on_server and evidence.server.runs:
        run = evidence.server.runs[0]
        update["server"] = evidence.server.model_copy(
            update={
                "runs": (*evidence.server.runs, *(_on_server(run, other) for other in others)),
                "runs_total": evidence.server.runs_total + count,
            }
        )
    assert judge(evidence.model_copy(update=update)) == verdict(name)


def _on_server(run, other):
    return run.model_copy(update={"id": other.run_id, "tags": ("mine",), "group": "sweep", "found_by": "id"})


def case(*runs: LocalRun, **change) -> Evidence:
    request = Request(server="real", job_kind="script", token=TOKEN)
    return b.evidence(request=request, local=b.local(*runs), server=b.server(), **change)


def marked(**facts) -> LocalRun:
    return b.local_run(log=b.log(run=RunFacts(run_id=b.RUN_ID, **facts)))


def unknown(folder: str, run_id: str = "zzzz9999") -> LocalRun:
    """A run whose log tells of no tags: it ended, or still is, in its header."""
    path = f"{folder}/run-20261129_120000-{run_id}"
    return b.local_run(run_id=run_id, path=path, log=b.log(status="header_only", run=None))


def test_tag_or_group_will_do():
    for facts in ({"tags": ("a", TOKEN)}, {"group": TOKEN}):
        other = b.local_run(run_id="other", path="/tmp/wandb/run-1-other", log=b.log(run=RunFacts(run_id="other")))
        assert own(case(other, marked(**facts))).local.runs == (marked(**facts),)


def test_where_the_script_overrides_both_all_runs_stay():
    evidence = case(marked(tags=("a",), group="mine"), unknown("/tmp/wandb"))
    assert own(evidence) is evidence


def test_a_log_that_tells_no_tags_is_the_job_s_where_its_runs_lie_or_where_the_job_named_it():
    ours = marked(tags=(TOKEN,))
    beside, away = unknown("/scratch/me/wandb"), unknown("/tmp/wandb")
    assert own(case(ours, beside, away)).local.runs == (ours, beside)
    named = b.job().model_copy(update={"output": b.output(run_dirs=("./wandb/run-20261129_120000-zzzz9999",))})
    assert own(case(ours, away, job=named)).local.runs == (ours, away)


def test_an_earlier_part_of_the_same_run_stays():
    again = b.local_run(path="/tmp/wandb/run-20261129_120000-abcd1234", log=b.log(run=RunFacts(run_id=b.RUN_ID)))
    assert own(case(marked(tags=(TOKEN,)), again)).local.runs == (marked(tags=(TOKEN,)), again)


def test_what_is_counted_and_not_listed_stays_counted():
    ours, other = b.server_run(tags=(TOKEN,)), b.server_run(id="other")
    evidence = case(marked(tags=(TOKEN,))).model_copy(update={"server": b.server(ours, other, runs_total=40)})
    assert own(evidence).server.runs_total == 39
    assert own(evidence.model_copy(update={"synced": evidence.server})).synced.runs == (ours,)


def test_without_a_token_nothing_is_left_out():
    evidence = b.evidence(local=b.local(b.local_run(), unknown("/tmp/wandb")))
    assert own(evidence) is evidence
