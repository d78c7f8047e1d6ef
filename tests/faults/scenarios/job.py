"""Scenarios about the call of a local job: arguments that it lacks, ranks that it wants, a GPU that is not there."""

from tests.faults.scenario import Scenario, init_job

NOT_COMPLETED = ("test_job_completed",)
PARSER = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True); parser.add_argument("--learning-rate", type=float, default=0.1)
parser.parse_args()
"""
CLICK = """
if "--data" not in sys.argv:
    sys.exit("Usage: train.py [OPTIONS]\\nTry 'train.py --help' for help.\\n\\nError: Missing option '--data'.")
"""
FIRE = """
if len(sys.argv) < 2:
    sys.stderr.write("ERROR: The function received no value for the required argument: data\\nUsage: train.py DATA\\n")
    sys.exit(2)
"""
OMEGACONF = """
class MissingMandatoryValue(Exception): pass
MissingMandatoryValue.__module__ = "omegaconf.errors"
if len(sys.argv) < 2: raise MissingMandatoryValue("Missing mandatory value: data.path")
"""
"""The parsers' own words: they are not installed here."""

SCENARIOS = (
    *(
        Scenario(
            name=name, expect="job-arguments-missing", job=init_job(before=before), nproc=2, failed=NOT_COMPLETED,
            answer="x", env=given,
        )
        for name, before, given in (
            ("argument-missing", PARSER, {}),
            ("argument-misspelt", PARSER, {"HARNESS_WANDB_JOB_ARGS": "--data x --learning-rte 1"}),
            ("option-missing-for-click", CLICK, {}),
            ("argument-missing-for-fire", FIRE, {}),
            ("value-missing-for-omegaconf", OMEGACONF, {}),
        )
    ),
    *(
        Scenario(
            name=name, expect="job-command-not-started", files={"train.sh": text}, failed=NOT_COMPLETED,
            command=("--server", "real", "--job", "train.sh"),
        )
        for name, text in (
            ("command-not-found", "nonesuch --standalone train.py\n"),
            ("command-not-executable", "./train.py\n"),
            ("command-of-another-processor", "printf '\\177ELF%060d' 0 >go; chmod +x go; ./go\n"),
        )
    ),
    Scenario(
        name="ranks-asserted", expect="job-world-size-mismatch", job=init_job(before="assert world == 8"), nproc=2,
        failed=NOT_COMPLETED,
    ),
    Scenario(
        name="ranks-in-words", expect="job-world-size-mismatch", nproc=2, failed=NOT_COMPLETED,
        job=init_job(before='if world % 4: raise ValueError(f"world size {world} is not divisible by 4 stages")'),
    ),
    Scenario(
        name="nccl-without-a-gpu", expect="job-no-gpu-here", nproc=2, failed=NOT_COMPLETED,
        job=init_job(before='import torch.distributed; torch.distributed.init_process_group("nccl")'),
    ),
    Scenario(
        name="cuda-without-a-gpu", expect="job-no-gpu-here", failed=NOT_COMPLETED,
        job=init_job(before="import torch; torch.zeros(1).cuda()"),
    ),
)  # fmt: skip
