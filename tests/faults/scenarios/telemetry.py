"""Scenarios on a node with AMD GPUs, played by stand-ins in a mount namespace; both ways that SDKs go to the GPUs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from ctypes.util import find_library
from dataclasses import replace
from typing import Literal

from tests.evidence.gpu.standins import AT_WORK, Node, install, prefix, why_not
from tests.faults.scenario import Hook, Scenario, Stage, init_job

NO_GPU = ("test_every_gpu_reports",)
BY_COMMAND = "0.30.0"
"""The last SDK that runs rocm-smi; the newest one, which asks the library, is the harness's own."""
UNHURRIED = init_job().replace("x_stats_sampling_interval=0.5, ", "")
LONGER = init_job(train="train(run, 3, 1.0); run.finish()")
ON_THE_CPU = f"""
device = "cpu"
if device != "cpu": open(os.path.join(os.environ["ROCM_PATH"], "{AT_WORK}"), "w").close()
{LONGER}"""
BEFORE_019 = LONGER.replace("x_stats_sampling_interval", "_stats_sampling_interval")


def why_not_without_library() -> str | None:
    """Why this machine cannot play a node that lacks the library; None where it can."""
    return why_not() or ("a librocm_smi64.so of its own is installed here" if find_library("rocm_smi64") else None)


def on(node: Node) -> Hook:
    """Play on such a node."""

    @contextlib.contextmanager
    def hook(stage: Stage) -> Iterator[None]:
        stage.env |= install(node, stage.root / "rocm", stage.env["PATH"])
        stage.wrapper = prefix(node)
        yield

    return hook


def played(
    name: str,
    node: Node,
    expect: str | None = None,
    *,
    sdk: str | None = None,
    failed: tuple[str, ...] = NO_GPU,
    job: str = LONGER,
    env: Mapping[str, str | None] | None = None,
    kind: Literal["error", "info"] = "error",
    by_hand: tuple[str, ...] = (),
) -> Scenario:
    """A scenario on that node."""
    return Scenario(
        name=name, expect=expect, kind=kind, hook=on(node), why_not=why_not, sdk=sdk, job=job, env=env or {},
        failed=failed if expect and kind == "error" else (), by_hand=by_hand,
    )  # fmt: skip


def idle(name: str, sdk: str | None = None) -> Scenario:
    """A script that leaves the GPUs of its node alone."""
    return played(
        name, Node(load="idle"), "sys-gpus-idle", sdk=sdk, failed=("test_gpus_were_used",), job=ON_THE_CPU,
    )  # fmt: skip


SCENARIOS = (
    played("amd-command-missing", Node(command=False), "sys-rocm-smi-not-in-path", sdk=BY_COMMAND),
    played("amd-command-missing-0.19.5", Node(command=False), "sys-rocm-smi-not-in-path", sdk="0.19.5"),
    played("amd-exit-code-2", Node(rocm="5", exit_code=2), "sys-rocm-smi-nonzero", sdk=BY_COMMAND),
    played("amd-exit-code-2-0.24.2", Node(rocm="5", exit_code=2), "sys-rocm-smi-nonzero", sdk="0.24.2"),
    played("amd-driver-version-alone", Node(gcds=0), "sys-no-visible-gpus", sdk=BY_COMMAND),
    played("amd-library-counts-none", Node(gcds=0), "sys-no-visible-gpus"),
    played("amd-slow-command", Node(seconds=5), "sys-slow-rocm-smi", sdk=BY_COMMAND),
    played("amd-rocm6-old-sdk", Node(), "sys-rocm6-keys-old-sdk", sdk="0.18.1", job=BEFORE_019),
    replace(
        played("amd-library-missing", Node(library=False), "sys-rocm-library-missing"), why_not=why_not_without_library
    ),
    played("amd-library-fails", Node(init_status=8), "sys-rocm-library-fails"),
    played("amd-library-of-another-version", Node(other_version=True), "sys-rocm-library-fails"),
    played("amd-library-fails-alone", Node(init_status=8, command=False), "sys-rocm-library-fails"),
    played("amd-collector-hangs-at-start", Node(harm="hangs-at-start"), "sys-collector-died", failed=()),
    played("amd-collector-dies-at-start", Node(harm="dies-at-start"), "sys-collector-died", failed=()),
    played("amd-collector-hangs", Node(harm="hangs"), "sys-collector-died", failed=()),
    played("amd-collector-dies", Node(harm="dies"), "sys-collector-died", failed=()),
    played("amd-driver-missing", Node(initstate=None), "sys-initstate-missing"),
    played("amd-driver-missing-0.30.0", Node(initstate=None), "sys-initstate-missing", sdk=BY_COMMAND),
    played("amd-driver-going", Node(initstate="going"), "sys-initstate-missing"),
    played("amd-stats-off", Node(), "sys-disabled-by-setting", env={"WANDB_X_DISABLE_STATS": "true"}),
    played("amd-run-too-short", Node(), "sys-run-too-short", sdk="0.28.2", job=UNHURRIED),
    played(
        "amd-fewer-than-asked",
        Node(gcds=4),
        "sys-fewer-gpus",
        env={"SLURM_JOB_ID": "77", "SLURM_GPUS_ON_NODE": "8"},
    ),
    played(
        "amd-fewer-than-asked-0.30.0", Node(gcds=4), "sys-fewer-gpus", env={"SLURM_GPUS_ON_NODE": "8"}, sdk=BY_COMMAND
    ),
    played("amd-all-zero", Node(load="zero"), "sys-gpu-values-missing"),
    played("amd-all-zero-0.30.0", Node(load="zero"), "sys-gpu-values-missing", sdk=BY_COMMAND),
    idle("amd-gpus-idle"),
    idle("amd-gpus-idle-0.30.0", sdk=BY_COMMAND),
    played("amd-one-rank-on-the-node", Node(), "sys-all-8-gcds", kind="info"),
    played("amd-second-dies", Node(), "sys-mi250x-second-die-power", sdk=BY_COMMAND, kind="info"),
    played("ok-amd-rocm5", Node(rocm="5"), sdk=BY_COMMAND),
    played("ok-amd-rocm6.0", Node(rocm="6.0"), sdk=BY_COMMAND),
    played("ok-amd-command-alone", Node(library=False), sdk=BY_COMMAND),
    played("ok-amd-library-alone", Node(command=False)),
    played("ok-amd-exit-code-2-unread", Node(rocm="5", exit_code=2)),
)
