"""Rules of the family init that look at what the script asks of wandb."""

from __future__ import annotations

import pytest

from harness.evidence.models import Job, Place, ScriptLook, ScriptNote, ScriptSource
from harness.judging.families.init import rules as init
from harness.judging.findings import diagnose
from tests.judging.build import (
    error,
    evidence,
    hits,
    job,
    local,
    output,
    server,
    server_run,
    setup,
)  # fmt: skip
from tests.judging.endings import died

BEFORE = "You must call wandb.init() before wandb.log()"


@pytest.mark.parametrize(
    ("rank", "ranks", "footer", "fault"),
    [
        (0, 2, True, "init-log-after-finish"),
        (None, 1, True, "init-log-after-finish"),
        (1, 2, True, "init-log-before-init"),
        (None, 2, True, "init-log-before-init"),
        (0, 2, False, "init-log-before-init"),
    ],
)
def test_same_text_after_finish_and_without_a_run(rank, ranks, footer, fault):
    texts = ("wandb: Run summary:",) if footer else ("wandb: Syncing run x",)
    out = output(*texts, BEFORE, errors=(error("wandb.errors.errors.Error", BEFORE, rank=rank, line=9),))
    found = evidence(job=Job(ending="failed", exit_code=1, output=out))
    asked = found.request.model_copy(update={"nproc": ranks})
    assert set(hits(init.RULES, found.model_copy(update={"request": asked}))) == {fault}


def test_summary_in_another_file_is_not_that_processs_own():
    raised = (error("wandb.errors.errors.Error", BEFORE, rank=0, line=2),)
    out = output("wandb: Run summary:", BEFORE, errors=raised, file_starts=(1, 2))
    found = evidence(job=Job(ending="failed", exit_code=1, output=out))
    assert set(hits(init.RULES, found)) == {"init-log-before-init"}


@pytest.mark.parametrize(
    ("fault", "text", "runs"),
    [
        ("init-env-changed-late", "wandb: WARNING Changes to your `wandb` environment variables will be ignored", 1),
        ("init-active-run-returned", "wandb.init() called while a run is active and reinit is set to", 1),
        ("init-active-run-returned", "wandb: Finishing last run (ID:a) before initializing another...", 2),
    ],
)  # fmt: skip
def test_warnings_come_from_what_the_sdk_says(fault, text, runs):
    several = server(*(server_run(id=f"r{n}") for n in range(runs)))
    assert set(hits(init.RULES, evidence(job=job(text), server=several))) == {fault}


def test_one_finished_run_before_the_next_is_no_fault():
    text = "wandb: Finishing last run (ID:a) before initializing another..."
    assert not hits(init.RULES, evidence(job=job(text)))


QUIET = Job(ending="completed", exit_code=0, output=output("Epoch 1, Loss: 2.0"))
NEVER = setup(script_notes=(ScriptNote(kind="init_never_reached", line=7, text='if os.environ["RANK"] == 0:'),))


def test_an_init_behind_a_guard_that_is_never_true():
    silent = {"job": QUIET, "local": local(), "server": server(), "setup": NEVER}
    assert hits(init.RULES, evidence(**silent))["init-never-reached"].values == {"line": "7"}
    assert "init-never-reached" not in hits(init.RULES, evidence(**{**silent, "server": server(server_run())}))
    assert "init-never-reached" not in hits(init.RULES, evidence(**{**silent, "setup": setup()}))


ERROR = "wandb.errors.errors.Error"


def logged_without_a_run(*ranks, texts=()):
    """A job of which these ranks called wandb.log() without a run."""
    raised = tuple(error(ERROR, BEFORE, rank=rank, line=9 + n) for n, rank in enumerate(ranks))
    return evidence(job=Job(ending="failed", exit_code=1, output=output(*texts, errors=raised)))


@pytest.mark.parametrize(
    ("found", "title", "observed"),
    [
        (logged_without_a_run(1), "(rank 1)", f"{ERROR}: {BEFORE}"),
        (logged_without_a_run(3, 1, 3), "(rank 1, 3)", f"{ERROR}: {BEFORE}"),
        (logged_without_a_run(None), "", f"{ERROR}: {BEFORE}"),
        (logged_without_a_run(1, texts=(f"[rank1]: {BEFORE}",)), "(rank 1)", f"[rank1]: {BEFORE}"),
        (logged_without_a_run(texts=(f"caught: {BEFORE}",)), "", f"caught: {BEFORE}"),
        # Of two that fail so, one had no run.
        (logged_without_a_run(0, 1, texts=("wandb: Run summary:",)), "(rank 0, 1)", f"{ERROR}: {BEFORE}"),
    ],
)
def test_the_ranks_that_had_no_run_are_named(found, title, observed):
    (finding,) = diagnose(found, init.RULES)
    assert finding.title == f"wandb.log() was called without wandb.init() {title}".strip()
    assert finding.observed == (observed,)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Invalid project name 'me/p': cannot contain characters '/', found '/'", "me/p"),
        ("Invalid project name '", "see below"),
    ],
)
def test_the_name_that_the_sdk_refuses_is_told(words, name):
    (finding,) = diagnose(died(words, "wandb.errors.errors.UsageError"), init.RULES)
    assert finding.title == f"This project name is not allowed: {name}"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (setup(place=Place(variables={"WANDB_RUN_ID": "a:b"})), ("WANDB_RUN_ID is 'a:b'.",)),
        (setup(), ()),
        (None, ()),
    ],
    ids=["from the environment", "from the script", "not known"],
)
def test_where_a_bad_run_id_comes_from_is_told(given, told):
    words = "Run ID cannot contain the characters: :;,#?/'"
    hit = hits(init.RULES, died(words, "wandb.errors.errors.UsageError", setup=given))["init-bad-run-id"]
    assert hit.observed == (f"wandb.errors.errors.UsageError: {words}", *told)


RETURNED = "wandb.init() called while a run is active and reinit is set to 'default'"


def test_the_second_init_that_got_the_first_run_is_quoted():
    ended = "wandb: Finishing last run (ID:a) before initializing another..."
    assert hits(init.RULES, evidence(job=job(RETURNED)))["init-active-run-returned"].observed == (RETURNED,)
    two = evidence(job=job(ended), server=server(server_run(id="a"), server_run(id="b")))
    assert hits(init.RULES, two)["init-active-run-returned"].observed == (ended,)


@pytest.mark.parametrize(
    ("text", "look", "ending", "said"),
    [
        ("import torch\ntrain()\n", {}, "completed", True),
        ("import torch\ntrain()\n", {}, "failed", False),
        ("import wandb  # later\n", {}, "completed", False),
        ("from helpers import start\n", {"calls_init": True}, "completed", False),
        ("trainer.fit(model)\n", {"frameworks": ("lightning",)}, "completed", False),
    ],
    ids=["names it nowhere", "crashed", "imports it", "a module calls it", "a framework may log"],
)
def test_a_script_that_never_speaks_of_wandb(text, look, ending, said):
    told = setup().model_copy(update={"script": ScriptLook(**look), "source": ScriptSource(path="train.py", text=text)})
    found = evidence(setup=told, job=Job(ending=ending, output=output("Epoch 1")), local=local(), server=server())
    assert ("init-script-without-wandb" in hits(init.RULES, found)) is said
