"""Rules of the family job that look at what the job printed."""

from __future__ import annotations

from typing import Any

import pytest

from harness.evidence.models import (
    Evidence,
    Job,
    Place,
    RankSeen,
    Request,
    Setup,
    SystemSeries,
)
from harness.judging.families.job import rules
from harness.judging.findings import diagnose
from tests.judging.build import error, evidence, hits, job, output, server, server_run, setup, system
from tests.judging.endings import ran, slurm

WAITED_IN_VAIN = "[rank1]:[E] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=1)"
SOCKETS = "nid005000:1:1 [0] NCCL INFO Using network Socket"
PLUGIN = "NCCL INFO NET/OFI Selected Provider is cxi"


def found(evidence: Evidence) -> set[str]:
    return set(hits(rules.RULES, evidence))


def test_ranks_that_wait_in_vain_are_told_with_what_befell_rank_0() -> None:
    told = error("ValueError", "bad batch", rank=0)
    lines = (WAITED_IN_VAIN,)
    observed = hits(rules.RULES, ran(output=output(*lines, errors=(told,))))["job-rccl-timeout"].observed
    assert observed[-1] == "Rank 0 itself: ValueError: bad batch"
    other = error("ValueError", "bad batch", rank=1)
    observed = hits(rules.RULES, ran(output=output(*lines, errors=(other,))))["job-rccl-timeout"].observed
    assert not any("Rank 0" in line for line in observed)


H5 = "[Errno 2] Unable to open file (unable to open file: name = '../resources/train_images.hdf5', errno = 2)"


@pytest.mark.parametrize(
    ("name", "message", "frames", "fault"),
    [
        ("FileNotFoundError", H5, (), "job-dataset-missing"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'data/train.csv'", (), "job-dataset-missing"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'wandb/run-1/config.json'", (), None),
        ("FileNotFoundError", "[Errno 2] No such file or directory: '/scratch/wandb-demo/train.csv'",
         ('File "/scratch/wandb/train.py", line 3, in <module>',), "job-dataset-missing"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'settings.ini'", (), None),
        ("FileNotFoundError", H5.replace("train_images.hdf5", "cifar"), (), "job-dataset-missing"),
        ("OSError", "Unable to open file (file signature not found)", (), None),
        ("urllib.error.URLError", "<urlopen error [Errno -2] Name or service not known>",
         ('File "/opt/venv/lib/python3.12/site-packages/torch/hub.py", line 1, in download_url_to_file',),
         "job-weights-download-fails"),
        ("urllib.error.URLError", "<urlopen error [Errno -2] Name or service not known>", (), None),
        ("OSError", "[Errno 122] Disk quota exceeded: '/users/me/.cache/torch/hub/checkpoints/x'", (),
         "job-weights-download-fails"),
        ("OSError", "[Errno 122] Disk quota exceeded: '/users/me/out.txt'", (), None),
    ],
)  # fmt: skip
def test_exceptions(name: str, message: str, frames: tuple[str, ...], fault: str | None) -> None:
    told = ran()
    failed = told.job.model_copy(update={"output": output(errors=(error(name, message, frames=frames),))})  # type: ignore[union-attr]  # built above
    assert found(told.model_copy(update={"job": failed})) == ({fault} if fault else set())


def test_exec_counts_only_with_its_symptom() -> None:
    text = "RuntimeError: HIP error: invalid device ordinal"
    by_exec, by_run = (
        slurm(container_action="exec", final_state="FAILED"),
        slurm(container_action="run", final_state="FAILED"),
    )
    assert found(ran(text, scheduler=by_exec)) == {"job-exec-vs-run"}
    assert not found(ran(text, scheduler=by_run))
    assert not found(ran(ending="completed", scheduler=slurm(container_action="exec")))


def test_a_file_that_is_missing_is_named_with_the_lines_that_asked_for_it() -> None:
    frames = tuple(f'File "train.py", line {n}, in f{n}' for n in (9, 5, 3))
    missing = error("FileNotFoundError", H5, frames=frames)
    (finding,) = diagnose(ran(output=output(errors=(missing,))), rules.RULES)
    assert finding.title == "The training data does not exist: ../resources/train_images.hdf5"
    assert finding.observed == (f"FileNotFoundError: {H5}", *frames[1:])


@pytest.mark.parametrize(
    ("nodes", "text", "fault"),
    [
        (2, (SOCKETS,), {"job-rccl-no-ofi-plugin"}),
        (1, (SOCKETS,), set()),
        (2, (SOCKETS, PLUGIN), set()),
    ],
    ids=["between nodes", "within a node", "both were loaded"],
)
def test_sockets_are_slow_only_between_nodes(nodes: int, text: tuple[str, ...], fault: set[str]) -> None:
    names = tuple(f"nid{n}" for n in range(nodes))
    assert found(ran(*text, ending="completed", scheduler=slurm(nodes=names))) == fault
    asked = Request(source="job_log", target="none", server="none", job_kind="none", nodes=nodes)
    assert found(evidence(request=asked, job=Job(output=output(*text)))) == fault


UNREACHABLE = "NCCL WARN Net : Connect to 10.120.24.10<52061> failed : No route to host"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (setup(place=Place(variables={"NCCL_SOCKET_IFNAME": "nmn0"})), ("NCCL_SOCKET_IFNAME=nmn0",)),
        (setup(), ()),
        (None, ()),
    ],
    ids=["named", "left to RCCL", "not known"],
)
def test_the_interface_that_was_asked_for_is_told(given: Setup | None, told: tuple[str, ...]) -> None:
    seen = hits(rules.RULES, evidence(job=job(UNREACHABLE, ending="failed"), setup=given))["job-rccl-wrong-iface"]
    assert seen.observed == (UNREACHABLE, *told)


GPUS = {s.key: s for n in range(8) for s in (system(f"gpu.{n}.gpu", [0, 0]), system(f"gpu.{n}.temp", [30, 31]))}
CPU = {s.key: s for s in (system("cpu", [50, 60]),)}


def trained_on(*devices: str, measured: dict[str, SystemSeries], **change: Any) -> Evidence:
    """A job on LUMI whose ranks trained on these devices."""
    ranks = tuple(RankSeen(rank=n, world_size=len(devices), device=d) for n, d in enumerate(devices))
    request = Request(**{"target": "slurm", "server": "real", "job_kind": "script", "nproc": 2, **change})
    trained = job("Epoch 1, Loss: 2.0").model_copy(update={"output": output("Epoch 1, Loss: 2.0", ranks=ranks)})
    return evidence(request=request, job=trained, server=server(server_run(system=measured)))


def test_ranks_on_the_cpu_of_a_node_with_gpus() -> None:
    hit = hits(rules.RULES, trained_on("cpu", "cpu", measured=GPUS))["job-gpu-driver-mismatch"]
    assert hit.observed == ("Every rank trained on the CPU, although the node has 8 GPUs.",)
    assert hit.fails == ("test_gpus_were_used",)


@pytest.mark.parametrize(
    "told",
    [
        trained_on("cpu", "cuda:0", measured=GPUS),
        trained_on("cuda:0", "cuda:1", measured=GPUS),
        trained_on(measured=GPUS),
        trained_on("cpu", "cpu", measured=CPU),
        trained_on("cpu", "cpu", measured=GPUS, target="local"),
        evidence(job=None),
    ],
    ids=["one on a GPU", "all on GPUs", "no rank told", "a node without GPUs", "a workstation", "no job was seen"],
)
def test_ranks_of_which_none_missed_its_gpu(told: Evidence) -> None:
    assert not found(told)
