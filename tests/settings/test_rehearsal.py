"""Which rehearsals are asked for; what cannot be rehearsed is refused in one sentence."""

import pytest

from harness.settings.model import Outage, SettingsError
from harness.settings.rehearsal import USUAL, cases
from harness.settings.resolve import resolve


@pytest.fixture
def ask(tmp_path):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "job.log").touch()

    def ask(environment=None, **options):
        given = {f"harness_{name}": value for name, value in options.items()}
        return resolve(given, environment or {}, lambda _: "", tmp_path)

    return ask


def test_nothing_is_rehearsed_without_the_option(ask):
    assert (ask().rehearse, ask().outages) == ("", ())


def test_the_environment_asks_too(ask):
    settings = ask({"HARNESS_WANDB_REHEARSE": "all", "HARNESS_WANDB_REHEARSE_PLAN": "end × 5xx"})
    assert (settings.rehearse, settings.outages, settings.requeues) == ("all", (Outage("end", "5xx"),), ())


def test_without_a_plan_each_moment_and_each_kind_is_played_once(ask):
    outage, requeue = ask(wandb_rehearse="outage"), ask(wandb_rehearse="requeue")
    assert (outage.outages, outage.requeues) == (USUAL, ())
    assert (requeue.outages, requeue.requeues) == ((), ("sigterm", "kill", "twice", "usr1"))


@pytest.mark.parametrize(("text", "played"), [("trap 'echo' USR1", True), ("python train.py", False)])
def test_usr1_is_played_where_the_script_names_it(ask, tmp_path, text, played):
    (tmp_path / "job.sh").write_text(text)
    assert ("usr1" in ask(wandb_rehearse="requeue", wandb_job="job.sh").requeues) == played


def test_on_slurm_the_requeue_alone_is_rehearsed(ask):
    settings = ask(wandb_rehearse="requeue", lumi=True)
    assert (settings.target, settings.server, settings.requeues) == ("slurm", "real", ("sigterm",))


@pytest.mark.parametrize(
    ("plan", "played"),
    [
        ("start,end × refuse,401", ["start refuse", "start 401", "end refuse", "end 401"]),
        ("end x refuse", ["end refuse"]),
        ("middle slow", ["middle slow"]),
        ("SILENCE", ["start silence", "middle silence", "end silence"]),
        ("end", ["end refuse", "end 5xx", "end silence", "end slow", "end 401"]),
        ("end refuse, twice kill", ["end refuse", "kill", "twice"]),
        ("usr1", ["usr1"]),
    ],
)
def test_plans(plan, played):
    outages, requeues = cases(plan)
    assert [*(f"{o.when} {o.how}" for o in outages), *requeues] == played


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"wandb_rehearse": "fire"}, "--rehearse: 'fire' is not one of outage, requeue, all"),
        ({"wandb_rehearse_plan": "end"}, "add --rehearse all"),
        ({"wandb_rehearse": "outage", "wandb_rehearse_plan": "noon × refuse"}, "'noon' is neither a moment"),
        ({"wandb_rehearse": "outage", "wandb_rehearse_plan": " × "}, "nothing is named"),
        ({"wandb_rehearse": "requeue", "wandb_rehearse_plan": "end"}, "leave it out"),
        ({"wandb_rehearse": "outage", "wandb_rehearse_plan": "kill"}, "leave it out"),
        ({"wandb_rehearse": "all", "lumi": True}, "only the requeue"),
        ({"wandb_rehearse": "requeue", "wandb_rehearse_plan": "kill", "lumi": True}, "only the requeue"),
        ({"wandb_rehearse": "all", "lumi_attach": "7"}, "leave --lumi-attach"),
        ({"wandb_rehearse": "all", "wandb_server": "real"}, "leave --server real out"),
        ({"wandb_rehearse": "all", "wandb_offline": True}, "leave --offline out"),
        ({"wandb_rehearse": "all", "wandb_run_dir": "wandb"}, "what already ran"),
        ({"wandb_rehearse": "all", "wandb_job_log": "job.log"}, "what already ran"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused(ask, options, sentence):
    with pytest.raises(SettingsError, match=sentence) as error:
        ask(**options)
    assert len(str(error.value).splitlines()) == 1
