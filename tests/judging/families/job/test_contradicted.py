"""What was given beside a job that ran already, and what the job was: options, and variables that did not arrive."""

import pytest

from harness.evidence.models import Request, RunLink, SlurmJob, SlurmLaunch, SlurmStep
from harness.evidence.models.wandb_log import RunFacts
from harness.judging.families.job.contradicted import option_contradicted, variables_lost
from tests.judging import build as b

OTHER = "what is said of a script is of other.py."
LAUNCH = SlurmLaunch(line="torchrun --nproc_per_node=4 train.py", launcher="torchrun", ranks=4)


def attached(given=None, variables=None, run=None, **slurm):
    job = SlurmJob(
        **{
            "job_id": "7", "attached": True, "nodes": ("nid1",), "account": "project_1", "partition": "dev-g",
            "gpus": 4, "script_path": "/w/mine.sh", "launches": (LAUNCH,), **slurm,
        }
    )  # fmt: skip
    place = b.setup().place.model_copy(update={"variables": variables or {}})
    return b.evidence(
        request=Request(target="slurm", server="real", job_kind="batch", given=given or {}),
        job=b.job().model_copy(update={"slurm": job, "cwd": "/scratch/me"}),
        setup=b.setup(place=place),
        local=b.local(run or b.local_run()),
    )


def only(rule, evidence):
    (hit,) = rule(evidence)
    return hit


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--nproc", "8", "--nproc 8 was given, and the job had 4 (torchrun: torchrun --nproc_per_node=4 train.py)."),
        ("--lumi-nodes", "2", "--lumi-nodes 2 was given, and the job had 1 (nid1)."),
        ("--lumi-gpus", "8", "--lumi-gpus 8 was given, and the job had 4 on a node."),
        ("--lumi-account", "project_2", "--lumi-account project_2 was given, and the job's is project_1."),
        ("--lumi-partition", "small-g", "--lumi-partition small-g was given, and the job's is dev-g."),
        ("--offline", "1", "--offline was given, and the job ran online (run abcd1234)."),
        (
            "--job",
            "other.py",
            f"--job other.py was given, and the job's batch script starts: {LAUNCH.line}; {OTHER}",
        ),
    ],
)
def test_an_option_that_the_job_contradicts(flag, value, words):
    hit = only(option_contradicted, attached({flag: value}))
    assert hit.observed[0] == words
    assert hit.severity is None


@pytest.mark.parametrize(
    "given",
    [
        {"--nproc": "4", "--lumi-nodes": "1", "--lumi-gpus": "4", "--lumi-account": "Project_1"},
        {"--lumi-partition": "dev-g", "--job": "train.py"},
        {"--job": "work/mine.sh"},
        {},
    ],
)
def test_what_the_job_says_too_is_no_news(given):
    assert list(option_contradicted(attached(given))) == []


def test_what_the_job_does_not_tell_is_not_contradicted():
    given = {"--nproc": "8", "--lumi-nodes": "2", "--lumi-gpus": "8", "--job": "x.py", "--lumi-account": "project_2"}
    silent = {"nodes": (), "account": None, "gpus": None, "script_path": None, "launches": ()}
    assert list(option_contradicted(attached(given, **silent))) == []


def test_a_job_that_the_harness_submitted_is_known_by_its_script():
    evidence = attached({"--job": "other.py"})
    known = evidence.request.model_copy(update={"job_kind": "script", "job_path": "/w/train.py"})
    evidence = evidence.model_copy(update={"request": known})
    assert "the job was train.py" in only(option_contradicted, evidence).observed[0]


def test_offline_as_it_was():
    run = b.local_run(offline=True)
    assert list(option_contradicted(attached({"--offline": "1"}, run=run))) == []


def test_variables_of_here_are_told_and_are_no_warning():
    here = {"WANDB_PROJECT": "other", "WANDB_MODE": "offline", "WANDB_DIR": "/scratch/me"}
    hit = only(option_contradicted, attached(variables=here))
    assert hit.severity == "info"
    assert hit.observed[:2] == (
        "WANDB_PROJECT=other is set here, and the job has vit.",
        "WANDB_MODE=offline is set here, and the job has online.",
    )


def test_an_output_beside_the_run_of_another_job():
    link = RunLink(url="https://wandb.ai/team/vit/runs/zzzz", entity="team", project="vit", run_id="zzzz", line=1)
    job = b.job().model_copy(update={"output": b.output(links=(link,))})
    request = Request(source="run", server="real", run_path=f"team/vit/{b.RUN_ID}", job_log="old.out")
    evidence = b.evidence(request=request, job=job, local=b.local())
    assert "old.out is the output of run zzzz" in only(option_contradicted, evidence).observed[0]
    same = job.model_copy(update={"output": b.output(links=(link.model_copy(update={"run_id": b.RUN_ID}),))})
    assert list(option_contradicted(evidence.model_copy(update={"job": same}))) == []


def run(**facts):
    return b.local_run(log=b.log(run=RunFacts(run_id=b.RUN_ID, entity="team", **facts)))


SET = {"WANDB_MODE": "offline", "WANDB_PROJECT": "vit", "WANDB_API_KEY": "[redacted]"}


def test_variables_that_did_not_arrive():
    hit = only(variables_lost, attached(run=run(), submitted_with=SET, kept_out=("--cleanenv",)))
    assert hit.observed == (
        "WANDB_MODE=offline was set when the job was submitted; the job's run has online.",
        "WANDB_PROJECT=vit was set when the job was submitted; the job's run has uncategorized.",
        "The job was submitted with --cleanenv.",
    )
    assert hit.values["exports"] == "  export WANDB_MODE=offline\n  export WANDB_PROJECT=vit"
    assert hit.values["container_exports"].startswith("  export SINGULARITYENV_WANDB_MODE=offline\n")


def test_modules_that_were_unloaded_are_told_and_prove_nothing_alone():
    hit = only(variables_lost, attached(run=run(), submitted_with=SET, unloaded=("module purge",)))
    assert hit.observed[-1] == "The batch script has module purge: it takes away what modules had set."
    assert list(variables_lost(attached(run=run(project="vit"), submitted_with=SET, unloaded=("module purge",)))) == []


def test_a_script_that_a_variable_may_name_is_not_contradicted():
    line = SlurmLaunch(line='srun python "$SCRIPT"', launcher="srun", ranks=1)
    assert list(option_contradicted(attached({"--job": "other.py"}, launches=(line, LAUNCH)))) == []


def test_the_ranks_that_slurm_counted_are_told_where_the_text_tells_none():
    step = SlurmStep(id="7.0", state="COMPLETED", exit_code="0:0", tasks=4)
    line = SlurmLaunch(line='srun -n "$1" python train.py', launcher="srun")
    hit = only(option_contradicted, attached({"--nproc": "8"}, launches=(line,), steps=(step,)))
    assert hit.observed[0] == "--nproc 8 was given, and the job had 4 (Slurm counts 4 tasks in its step 7.0)."


def test_what_the_batch_script_sets_is_its_own_choice():
    taken = {"submitted_with": SET, "kept_out": ("--cleanenv",)}
    hit = only(variables_lost, attached(run=run(), script_sets=("WANDB_PROJECT",), **taken))
    assert hit.values["names"] == "WANDB_MODE"


def test_some_arrived():
    hit = only(variables_lost, attached(run=run(project="vit"), submitted_with=SET, kept_out=("--containall",)))
    assert hit.observed[-1] == "WANDB_PROJECT arrived."


def test_without_a_known_reason_one_alone_may_be_the_scripts_choice():
    assert list(variables_lost(attached(run=run(project="vit"), submitted_with=SET))) == []
    assert list(variables_lost(attached(run=run(project="mine"), submitted_with=SET))) == []
    assert only(variables_lost, attached(run=run(), submitted_with=SET)).id == "job-variables-lost"


def test_where_slurm_kept_nothing_the_shell_of_here_is_compared():
    evidence = attached(run=run(), variables={"WANDB_PROJECT": "vit"}, kept_out=("--export=NONE",))
    assert (
        only(variables_lost, evidence).observed[0] == "WANDB_PROJECT=vit is set here; the job's run has uncategorized."
    )


def test_what_was_not_set_cannot_be_lost():
    assert list(variables_lost(attached(run=run(), submitted_with={}, kept_out=("env -i",)))) == []
