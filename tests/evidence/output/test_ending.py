"""How a job ended is told by its output alone, where that says so."""

import pytest

from harness.evidence.output.ending import job_of
from harness.evidence.output.reader import read_output

KILLED = """\
wandb: 🚀 View run at https://wandb.ai/team/vit/runs/abcd1234
Epoch 1, Loss: 2.0
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
train.py FAILED
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-11-23_12:00:00
  host      : nid005001
  rank      : 0 (local_rank: 0)
  exitcode  : -9 (pid: 77)
"""
WENT_ON = KILLED + "Epoch 2, Loss: 1.0\n"


RAISED = """\
wandb: 🚀 View run at https://wandb.ai/team/vit/runs/abcd1234
Epoch 1, Loss: 2.0
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    state["best"]
KeyError: 'best'
"""
CLOSED = "wandb: 🚀 View run x at: https://wandb.ai/team/vit/runs/abcd1234\nwandb: Find logs at: ./wandb/run-x/logs\n"


STEP = "slurmstepd: error: *** STEP 7.0 ON nid005001 CANCELLED AT 2026-11-23T12:00:00"
MEMORY = "slurmstepd: error: Detected 1 oom_kill event in StepId=7.0.\nsrun: error: nid005001: task 0: Out Of Memory\n"


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        (KILLED, "failed"),
        (WENT_ON, "unknown"),
        (RAISED, "failed"),
        (RAISED + CLOSED, "failed"),
        (RAISED + "going on without it\n", "unknown"),
        (RAISED + "Epoch 2, Loss: 1.0\n", "unknown"),
        ("Epoch 1, Loss: 2.0\n", "unknown"),
        ("srun: error: nid005001: task 0: Exited with exit code 1\n", "failed"),
        (f"{STEP} DUE TO TIME LIMIT ***\nsrun: error: nid005001: task 0: Terminated\n", "timeout"),
        (f"{STEP} DUE TO NODE FAILURE ***\n", "node_fail"),
        (f"{STEP} ***\n", "cancelled"),
        (MEMORY, "out_of_memory"),
    ],
)
def test_ending(text, ending, tmp_path):
    path = tmp_path / "job.log"
    path.write_text(text)
    told = job_of(read_output(path, str))
    assert told.ending == ending
    if text == KILLED:
        assert [p.signal for p in told.processes] == ["SIGKILL"]


@pytest.mark.parametrize(
    ("other", "first", "ending"),
    [
        ("Epoch 1, Loss: 2.0\n", f"Epoch 1, Loss: 2.0\n{STEP} DUE TO TIME LIMIT ***\n", "timeout"),
        ("Epoch 1, Loss: 2.0\n", WENT_ON, "unknown"),
    ],
)
def test_what_another_file_tells_is_not_later(other, first, ending, tmp_path):
    files = [tmp_path / name for name in ("rank-0.log", "rank-1.log")]
    for file, text in zip(files, (first, other), strict=True):
        file.write_text(text)
    told = [job_of(read_output(tmp_path / "rank-*.log", str, order)).ending for order in (files, files[::-1])]
    assert told == [ending, ending]
