"""Rules about the script's call: arguments that it lacks, ranks that it wants, a GPU that is not there."""

import shlex
import subprocess

import pytest

from harness.evidence.models import NodeTelemetry, Request, ScriptNote, SlurmJob, SlurmLaunch, SlurmStep, Telemetry
from harness.judging.families.job.launch import RULES
from tests.judging import build as b

REQUIRED = "train.py: error: the following arguments are required: "
ARGUMENTS = {
    REQUIRED + "--data, --out": ("--data, --out", "--data VALUE --out VALUE"),
    REQUIRED + "-d/--data, config": ("--data, config", "--data VALUE CONFIG"),
    "train.py: error: one of the arguments --train --eval is required": (
        "--train, --eval", "--train VALUE --eval VALUE",
    ),
    REQUIRED + "--model_name/--model-name": ("--model_name", "--model_name VALUE"),
    "error: the following arguments are required: data": ("--data", "--data VALUE"),
    "Error: Missing option '--data'.": ("--data", "--data VALUE"),
    "Error: Missing option '-d' / '--data'.": ("--data", "--data VALUE"),
    "Error: Missing argument 'OUT'.": ("OUT", "OUT"),
    "│ Missing option '--data'.                    │": ("--data", "--data VALUE"),
    "ERROR: The function received no value for the required argument: data": ("--data", "--data VALUE"),
    "omegaconf.errors.MissingMandatoryValue: Missing mandatory value: data.path": ("data.path=", "data.path=VALUE"),
    "You must specify 'db', e.g, db=<OPTION>": ("db=", "db=VALUE"),
    "FATAL Flags parsing error: flag --data=None: Flag --data must have a value other than None.": (
        "--data", "--data VALUE",
    ),
    "│ Missing from train.py:  │\n│     --data STR          │\n│         (required)      │\n│     --lr FLOAT      │": (
        "--data, --lr", "--data VALUE --lr VALUE",
    ),
    "train.sh: line 3: $1: unbound variable": ("$1", "1"),
}  # fmt: skip


def told(*lines, errors=(), ending="failed", **change):
    output = b.output(*(lines or ("x",)), errors=errors)
    return b.hits(RULES, b.no_run(job=b.job("x", ending=ending, output=output), **change))


@pytest.mark.parametrize(("line", "names", "call"), [(k, *v) for k, v in ARGUMENTS.items()])
def test_arguments_missing(line, names, call):
    hit = told("usage: train.py [-h] --data DATA", line)["job-arguments-missing"]
    assert (hit.values["arguments"], hit.values["call"]) == (names, call)
    assert hit.observed[-1] == "usage: train.py [-h] --data DATA"


@pytest.mark.parametrize(
    "line",
    [
        "train.py: error: unrecognized arguments: --dta x",
        "train.py: error: argument --lr: invalid float value: 'high'",
        "Error: No such option: --dta",
        "│ No such option: --dta (Possible options: --data)    │",
        "│ Unrecognized options: --lrr, 1            │",
        "ERROR: Could not consume arg: --lrr",
        "Could not override 'modl.lr'.",
    ],
)
def test_arguments_that_it_does_not_take(line):
    assert told(line)["job-arguments-missing"].values["how"] == "does not take its arguments:"


@pytest.mark.parametrize(
    ("names", "given", "answers", "arguments"),
    [
        ("--data", (), "x y", ["--data", "x y"]),
        ("--data, out", ("--lr", "1e-3"), "a\nit's", ["--lr", "1e-3", "--data", "a", "it's"]),
        ("Missing mandatory value: data.path", ("--lr", "$1"), "$x", ["--lr", "$1", "data.path=$x"]),
    ],
)  # fmt: skip
def test_what_only_the_user_knows_is_asked_for(names, given, answers, arguments):
    line = f"MissingMandatoryValue: {names}" if "Missing" in names else REQUIRED + names
    request = b.evidence().request.model_copy(update={"job_args": given})
    asked = told(line, request=request)["job-arguments-missing"].values["job_args"]
    script = f'{asked}; printf %s "$HARNESS_WANDB_JOB_ARGS"'
    said = subprocess.run(["bash", "-ec", script], input=f"{answers}\n", capture_output=True, text=True, check=True)
    assert shlex.split(said.stdout) == arguments


@pytest.mark.parametrize(
    ("line", "given", "mended"),
    [
        ("unrecognized arguments: --learning-rte 1", ("--learning-rte", "1"), "'--learning-rate 1'"),
        ("unrecognized arguments: --learning-rte=1", ("--learning-rte=1",), "--learning-rate=1"),
        ("unrecognized arguments: --moon 1", ("--moon", "1"), None),
        ("unrecognized arguments: --learning-rte 1", (), None),
    ],
)
def test_an_argument_that_is_misspelt_gets_the_name_that_the_script_knows(line, given, mended):
    request = b.evidence().request.model_copy(update={"job_args": given})
    usage = "usage: train.py [-h] [--learning-rate LR]"
    values = told(usage, f"train.py: error: {line}", request=request)["job-arguments-missing"].values
    assert values.get("job_args") == (mended and f"export HARNESS_WANDB_JOB_ARGS={mended}")


def test_an_argument_that_the_script_takes_by_its_number():
    note = ScriptNote(kind="reads_argument", line=2, text="data = sys.argv[1]")
    setup = b.setup(script_notes=(note,))
    here = b.error("IndexError", "list index out of range", frames=('File "train.py", line 2, in <module>',))
    elsewhere = b.error("IndexError", "list index out of range", frames=('File "train.py", line 20, in <module>',))
    hit = told(errors=(here,), setup=setup)["job-arguments-missing"]
    assert hit.observed[0] == "train.py, line 2: data = sys.argv[1]"
    assert told(errors=(elsewhere,), setup=setup) == {}


def test_a_job_that_went_well_had_its_arguments():
    assert told(next(iter(ARGUMENTS)), ending="completed") == {}


@pytest.mark.parametrize(
    ("exception", "message", "wanted"),
    [
        ("AssertionError", "expected WORLD_SIZE 8, got 2", None),
        (
            "ValueError",
            "You set `devices=4` in Lightning, but the product (4 * 1) does not match the world size (2).",
            None,
        ),
        ("AssertionError", "needs 8 GPUs", None),
        ("RuntimeError", "world size (2) is not divisible by tensor_model_parallel_size (4)", "4"),
        ("ValueError", "world size 2 is not divisible by 4 stages", "4"),
    ],
)
def test_world_size_mismatch(exception, message, wanted):
    hit = told(errors=(b.error(exception, message),))["job-world-size-mismatch"]
    assert hit.observed[-1] == "The job was started with 2 ranks."
    assert hit.values.get("wanted") == wanted


def test_the_line_of_the_batch_script_tells_how_many_were_started():
    launch = SlurmLaunch(line="srun torchrun --nproc_per_node=4 t.py", launcher="srun torchrun", ranks=4)
    steps = (SlurmStep(id="7.0", state="FAILED", exit_code="1:0", tasks=1),)
    failed = b.error("ValueError", "world size 4, expected 8 ranks")
    job = b.job(ending="failed", output=b.output("x", errors=(failed,))).model_copy(
        update={"slurm": SlurmJob(job_id="7", launches=(launch,), steps=steps)}
    )
    request = Request(target="slurm", server="real", job_kind="batch")
    hit = b.hits(RULES, b.no_run(job=job, request=request))["job-world-size-mismatch"]
    assert hit.observed[-1] == f"The job was started with 4 ranks (srun torchrun: {launch.line})."
    assert hit.values["launch_as"] == "torchrun --nproc_per_node=NUMBER"


def test_an_assertion_without_words_is_told_by_its_line():
    note = ScriptNote(kind="expects_world_size", line=9, text="assert world == 8")
    setup = b.setup(script_notes=(note,))
    here = b.error("AssertionError", "", frames=('File "train.py", line 9, in <module>',))
    elsewhere = b.error("AssertionError", "", frames=('File "train.py", line 90, in <module>',))
    assert (
        "train.py, line 9: assert world == 8" in told(errors=(here,), setup=setup)["job-world-size-mismatch"].observed
    )
    assert told(errors=(elsewhere,), setup=setup) == {}


@pytest.mark.parametrize(
    ("message", "mismatch"),
    [
        ("Timed out after 61 seconds waiting for clients. 2/4 clients joined.", True),
        ("Timed out after 61 seconds waiting for clients. 1/2 clients joined.", False),
    ],
)
def test_ranks_that_never_come(message, mismatch):
    found = told(errors=(b.error("torch.distributed.DistStoreError", message),))
    assert ("job-world-size-mismatch" in found) is mismatch


@pytest.mark.parametrize("message", ["shape mismatch: 128 and 64", "world size 2", "invalid value"])
def test_other_numbers_are_of_no_ranks(message):
    assert told(errors=(b.error("ValueError", message),)) == {}


NO_GPU = "ProcessGroupNCCL is only supported with GPUs, no GPUs found!"


def test_no_gpu_here():
    assert "job-no-gpu-here" in told(errors=(b.error("ValueError", NO_GPU),))


@pytest.mark.parametrize(
    "change",
    [
        {"request": Request(target="slurm", server="real", job_kind="script", nproc=2)},
        {"telemetry": Telemetry(nodes=(NodeTelemetry(host="me", nvidia_smi=True),))},
    ],
    ids=["on a node of the cluster", "on a machine with a GPU"],
)
def test_a_gpu_that_should_be_there_is_another_fault(change):
    assert "job-no-gpu-here" not in told(errors=(b.error("ValueError", NO_GPU),), **change)
