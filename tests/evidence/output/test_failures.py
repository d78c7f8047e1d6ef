"""Workers that ended badly, in the words of torchrun and srun."""

from pathlib import Path

from harness.evidence.models import ProcessSeen
from harness.evidence.output.reader import OutputReader, read_output

OUTPUTS = Path(__file__).parent / "samples"


def processes(text: str) -> tuple[ProcessSeen, ...]:
    reader = OutputReader(None, lambda t: t)
    reader.feed(text.splitlines())
    return reader.snapshot().processes


def test_torchruns_summary_names_the_first_failure() -> None:
    killed, raised = read_output(OUTPUTS / "torchrun-raise.txt", lambda t: t).processes
    assert (killed.rank, killed.local_rank, killed.signal, killed.first) == (0, 0, "SIGTERM", False)
    assert killed.exit_code is None
    assert (raised.rank, raised.local_rank, raised.exit_code, raised.signal, raised.first) == (1, 1, 1, None, True)
    assert raised.host == "localhost"


def test_a_signal_is_named() -> None:
    first = [p for p in read_output(OUTPUTS / "torchrun-kill.txt", lambda t: t).processes if p.first]
    assert [(p.rank, p.signal, p.exit_code) for p in first] == [(1, "SIGKILL", None)]


def test_the_agents_notice_counts_where_the_summary_is_missing() -> None:
    text = "E1123 19:12:02.262000 20226 api.py:1002] failed (exitcode: -9) local_rank: 3 (pid: 20237) of binary: /p"
    (seen,) = processes(text)
    assert (seen.local_rank, seen.signal, seen.rank, seen.line) == (3, "SIGKILL", None, 1)


def test_srun_tells_hosts_and_tasks() -> None:
    text = """\
srun: error: nid005000: task 1: Exited with exit code 42
srun: error: nid005001: tasks 8-10,12: Killed
srun: error: nid005001: task 0: Out Of Memory
srun: error: nid005002: task 5: Segmentation fault (core dumped)
srun: error: Node failure on nid005002
srun: Job step aborted: Waiting up to 32 seconds for job step to finish.
"""
    assert [(p.host, p.task, p.exit_code, p.signal) for p in processes(text)] == [
        ("nid005000", 1, 42, None),
        ("nid005001", 8, None, "SIGKILL"),
        ("nid005001", 9, None, "SIGKILL"),
        ("nid005001", 10, None, "SIGKILL"),
        ("nid005001", 12, None, "SIGKILL"),
        ("nid005001", 0, None, "OUT_OF_MEMORY"),
        ("nid005002", 5, None, "SIGSEGV"),
    ]


def test_absurd_ranges_are_bounded() -> None:
    assert len(processes("srun: error: nid1: tasks 0-99999999: Killed\n")) <= 513


def test_a_healthy_output_tells_of_none() -> None:
    assert read_output(OUTPUTS / "fine-0.31.0.txt", lambda t: t).processes == ()
