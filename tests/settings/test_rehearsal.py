"""Which rehearsals are asked for; what cannot be rehearsed is refused in one sentence."""

import pytest

from harness.settings.model import Outage, SettingsError
from harness.settings.rehearsal import USUAL, outages
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
    assert (settings.rehearse, settings.outages) == ("all", (Outage("end", "5xx"),))


def test_without_a_plan_each_moment_and_each_kind_is_played_once(ask):
    assert ask(wandb_rehearse="outage").outages == USUAL
    assert ask(wandb_rehearse="requeue").outages == ()


@pytest.mark.parametrize(
    ("plan", "played"),
    [
        ("start,end × refuse,401", ["start refuse", "start 401", "end refuse", "end 401"]),
        ("end x refuse", ["end refuse"]),
        ("middle slow", ["middle slow"]),
        ("SILENCE", ["start silence", "middle silence", "end silence"]),
        ("end", ["end refuse", "end 5xx", "end silence", "end slow", "end 401"]),
    ],
)
def test_plans(plan, played):
    assert [f"{o.when} {o.how}" for o in outages(plan)] == played


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"wandb_rehearse": "fire"}, "--rehearse: 'fire' is not one of outage, requeue, all"),
        ({"wandb_rehearse_plan": "end"}, "add --rehearse outage"),
        ({"wandb_rehearse": "outage", "wandb_rehearse_plan": "noon × refuse"}, "'noon' is neither a moment"),
        ({"wandb_rehearse": "outage", "wandb_rehearse_plan": " × "}, "nothing is named"),
        ({"wandb_rehearse": "requeue", "wandb_rehearse_plan": "end"}, "leave it out"),
        ({"wandb_rehearse": "all", "lumi": True}, "leave --lumi out"),
        ({"wandb_rehearse": "all", "lumi_attach": "7"}, "leave --lumi out"),
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
