"""How each fault of the job family was proven, as a table: `python -m tests.slurm.proofs`."""

from __future__ import annotations

import sys
from typing import Literal, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.judging.catalogue import catalogue

How = Literal["Slurm", "real part", "stand-in", "printed", "evidence"]
MEANING: dict[How, str] = {
    "Slurm": "the real Slurm refused, ended or left waiting",
    "real part": "torch or Python failed in a job on the real Slurm",
    "stand-in": "the stand-in for singularity or module failed in a job on the real Slurm",
    "printed": "a job on the real Slurm printed the words, for want of the part that would",
    "evidence": "evidence built from the source's words, no job",
}
REAL: frozenset[How] = frozenset({"Slurm", "real part", "stand-in"})
FAULTS, SUBMISSION = "tests/slurm/test_job_faults.py", "tests/slurm/test_submission.py"


class Proof(NamedTuple):
    """How, in which test, and what is missing."""

    how: How
    test: str
    but: str = ""


def _case(name: str) -> str:
    return f"{FAULTS}::test_fault_is_named[{name}]"


PROOFS: dict[str, Proof] = {
    "job-bad-account": Proof("Slurm", f"{SUBMISSION}::test_options_that_slurm_refuses"),
    "job-bad-partition": Proof("Slurm", f"{SUBMISSION}::test_options_that_slurm_refuses"),
    "job-over-limit": Proof("Slurm", f"{SUBMISSION}::test_options_that_slurm_refuses"),
    "job-node-config-unavailable": Proof("Slurm", f"{SUBMISSION}::test_scripts_that_slurm_refuses"),
    "job-bad-script": Proof("Slurm", f"{SUBMISSION}::test_scripts_that_slurm_refuses"),
    "job-submit-limit": Proof("Slurm", f"{SUBMISSION}::test_third_job_in_dev_g"),
    "job-slurm-unreachable": Proof("Slurm", f"{SUBMISSION}::test_slurm_is_away"),
    "job-refused": Proof(
        "evidence", "tests/judging/families/job/test_rules.py::test_refusals", "words that nobody knows"
    ),
    "job-pending-forever": Proof("Slurm", f"{SUBMISSION}::test_job_never_starts"),
    "job-sif-missing": Proof("Slurm", f"{SUBMISSION}::test_image_is_not_there", "within a job: the stand-in's words"),
    "job-container-mount-fatal": Proof("stand-in", _case("mount-fatal")),
    "job-module-missing": Proof("stand-in", _case("module-missing")),
    "job-cpu-bind-mask": Proof("printed", _case("cpu-masks"), "needs task/affinity and 64 cores"),
    "job-port-in-use": Proof("real part", f"{FAULTS}::test_port_in_use"),
    "job-gpu-driver-mismatch": Proof("printed", _case("driver"), "needs AMD's driver"),
    "job-exec-vs-run": Proof("printed", _case("exec-in-place-of-run"), "needs AMD GPUs"),
    "job-dataset-missing": Proof("real part", _case("data-missing")),
    "job-weights-download-fails": Proof("real part", _case("weights")),
    "job-miopen-sqlite": Proof("printed", _case("miopen"), "needs MIOpen on Lustre"),
    "job-rccl-wrong-iface": Proof("printed", _case("rccl-interface"), "needs RCCL"),
    "job-rccl-no-ofi-plugin": Proof("evidence", "tests/judging/families/job/test_rules.py", "needs RCCL"),
    "job-rccl-timeout": Proof("real part", _case("barrier"), "gloo's words; RCCL's are printed"),
    "job-oom": Proof("Slurm", _case("out-of-memory"), "without cgroups; OUT_OF_MEMORY on evidence"),
    "job-node-fail-requeue": Proof("Slurm", _case("node-fails")),
    "job-preempted-cancelled": Proof("Slurm", _case("cancelled"), "preemption on evidence"),
    "job-time-limit": Proof("Slurm", _case("time-limit")),
    "job-arguments-missing": Proof("evidence", "tests/judging/families/job/test_launch.py", "played in a local job"),
    "job-world-size-mismatch": Proof("evidence", "tests/judging/families/job/test_launch.py", "played in a local job"),
    "job-command-not-started": Proof(
        "Slurm", "tests/slurm/test_busy_cluster.py::test_what_could_not_be_started_is_named"
    ),
    "job-option-contradicted": Proof("Slurm", "tests/slurm/test_other_words.py::test_options_that_the_job_contradicts"),
    "job-variables-lost": Proof("Slurm", "tests/slurm/test_other_words.py::test_variables_that_do_not_arrive"),
    "job-no-gpu-here": Proof("evidence", "tests/judging/families/job/test_launch.py", "played in a local job"),
}


def main() -> None:
    """Print the table and what its words mean."""
    table = Table("fault", "proven by", "test", "but")
    for fault in (e.id for e in catalogue().values() if e.family == "job"):
        table.add_row(fault, *map(escape, PROOFS[fault]))
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(table)
    for how, meaning in MEANING.items():
        console.print(f"{how} ({sum(p.how == how for p in PROOFS.values())}): {meaning}", highlight=False)


if __name__ == "__main__":
    main()
