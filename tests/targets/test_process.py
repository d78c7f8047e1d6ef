"""The local target's process handling: output, exit status, and nothing left behind, whatever happens."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.targets.process import LogFollower, ProcessGroup, launch_argv, survivors, torch_missing

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def group(tmp_path):
    """Make a group for a shell text or an argv."""

    def make(command, **env):
        argv = ["sh", "-c", command] if isinstance(command, str) else command
        return ProcessGroup(argv, cwd=tmp_path, env={**os.environ, **env}, log=tmp_path / "job.log")

    return make


def wait_for(job, text, seconds=10):
    end, seen = time.monotonic() + seconds, []
    while time.monotonic() < end:
        seen += job.new_lines()
        if any(text in line for line in seen):
            return seen
        time.sleep(0.01)
    raise AssertionError(f"{text!r} not in {seen}")


def soon(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_output_and_status_of_a_job(group):
    with group("echo out; echo err >&2; exit 7") as job:
        assert job.wait(10) == 7
        assert job.new_lines() == ["out", "err"]
        assert job.new_lines() == []
        assert job.poll() == 7
        assert job.pid


def test_output_is_seen_while_the_job_runs(group):
    with group("echo one; sleep 30") as job:
        assert wait_for(job, "one") == ["one"]
        assert job.poll() is None
        assert job.wait(0.05) is None


def test_death_by_signal_is_negative(group):
    with group("kill -KILL $$") as job:
        assert job.wait(10) == -signal.SIGKILL


def test_a_command_that_is_not_there_says_so_in_the_log(group):
    with group(["no-such-command"]) as job:
        assert job.wait(10) == 127
        assert job.new_lines() == ["no-such-command: No such file or directory"]


def test_a_missing_folder_is_refused_at_the_start(tmp_path):
    job = ProcessGroup(["true"], cwd=tmp_path / "nowhere", env=os.environ, log=tmp_path / "log")
    with pytest.raises(FileNotFoundError), job:
        pass


def test_the_job_reads_nothing_and_gets_its_environment_and_folder(group, tmp_path):
    with group("cat; echo $COLOUR; pwd", COLOUR="red") as job:
        assert job.wait(10) == 0
        assert job.new_lines() == ["red", str(tmp_path)]


def test_signals_have_their_defaults_in_the_job(group):
    signals = "[s.getsignal(n) for n in (s.SIGTERM, s.SIGHUP, s.SIGCHLD)]"
    mask = f"import signal as s; print({signals}, s.pthread_sigmask(s.SIG_BLOCK, []))"
    with group([sys.executable, "-I", "-S", "-c", mask]) as job:
        assert job.wait(10) == 0
        (line,) = job.new_lines()
    assert line.count("SIG_DFL") == 3
    assert line.endswith("set()")


def test_sigterm_lets_the_job_end_well(group):
    with group("trap 'echo saved; exit 143' TERM; echo up; while :; do sleep 0.05; done") as job:
        wait_for(job, "up")
        assert job.terminate(grace_s=10) == 143
        assert "saved" in job.new_lines()


def test_a_group_member_keeps_its_grace_when_the_leader_ends_first(group):
    child = "trap 'sleep 0.3; echo child saved; exit' TERM; echo up; while :; do sleep 0.05; done"
    with group(f'sh -c "{child}" & trap "exit 1" TERM; wait') as job:
        wait_for(job, "up")
        assert job.terminate(grace_s=10) == 1
        assert "child saved" in job.new_lines()


def test_a_job_that_ignores_sigterm_is_killed_after_the_grace(group):
    with group([sys.executable, "-c", STUBBORN]) as job:
        wait_for(job, "up")
        begun = time.monotonic()
        assert job.terminate(grace_s=0.3) == -signal.SIGKILL
        assert 0.3 <= time.monotonic() - begun < 9


ESCAPES = {
    "background": "sleep 60 & echo pid $!; wait",
    "setsid": "setsid sh -c 'echo pid $$; exec sleep 60' & wait",
    "daemon": "(setsid sh -c 'echo pid $$; exec sleep 60' &) ; sleep 60",
    "without environment": "(setsid env -i sh -c 'echo pid $$; exec sleep 60' &) ; sleep 60",
    "deaf daemon": "(setsid sh -c 'trap \"\" TERM; echo pid $$; sleep 60 & wait' &) ; sleep 60",
}


@pytest.mark.parametrize("command", ESCAPES.values(), ids=ESCAPES.keys())
def test_nothing_is_left_behind(group, command):
    with group(command) as job:
        pid = int(wait_for(job, "pid")[0].split()[1])
        assert alive(pid)
        job.terminate(grace_s=0.2)
        assert not alive(pid)
        assert survivors(job.token) == []


def test_orphans_of_a_job_that_has_ended_are_ended(group):
    with group("setsid sleep 60 >/dev/null & echo pid $!") as job:
        assert job.wait(10) == 0
        pid = int(job.new_lines()[0].split()[1])
        assert alive(pid)
    assert not alive(pid)


def test_a_well_ended_job_costs_no_grace(group):
    with group("true") as job:
        assert job.wait(10) == 0
        begun = time.monotonic()
    assert time.monotonic() - begun < 9


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_exception_ends_the_job(group, error):
    job = group("echo up; sleep 60")

    def interrupted():
        with job:
            wait_for(job, "up")
            raise error

    with pytest.raises(error):
        interrupted()
    assert job.poll() == -signal.SIGTERM
    assert not alive(job.pid)


def test_a_second_interrupt_shortens_the_grace(group):
    with group([sys.executable, "-c", STUBBORN]) as job:
        wait_for(job, "up")
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        begun = time.monotonic()
        try:
            assert job.terminate(grace_s=30) == -signal.SIGKILL
        finally:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        assert time.monotonic() - begun < 9


def test_a_third_interrupt_leaves_at_once_and_the_job_dies_all_the_same(group, monkeypatch):
    job = group([sys.executable, "-c", STUBBORN])

    def leave_in_haste():
        with job:
            wait_for(job, "up")

            def interrupted():
                raise KeyboardInterrupt

            monkeypatch.setattr(job._supervisor, "wait", interrupted)

    with pytest.raises(KeyboardInterrupt):
        leave_in_haste()
    assert job.poll() == -signal.SIGKILL
    assert soon(lambda: not survivors(job.token))


def test_a_process_whose_name_the_kernel_cut_within_a_letter_hides_no_other(group):
    renamed = "import ctypes, time; ctypes.CDLL(None).prctl(15, b'pr\\xc3\\xa9paration_d\\xc3', 0, 0, 0)"
    command = f"{renamed}; print('up', flush=True); time.sleep(60)"
    with group(f'{sys.executable} -c "{command}" & exec sleep 60', MARK="here") as job:
        wait_for(job, "up")
        assert job.environment_of("sleep")["MARK"] == "here"
        assert job.environment_of("no-such-program") == {}


def test_a_signal_goes_to_the_processes_that_handle_it_alone(group):
    with group("sleep 60 & trap 'echo heard; exit 3' USR1; echo up; while :; do sleep 0.05; done") as job:
        wait_for(job, "up")
        assert job.signal_all(signal.SIGUSR2, catching=True) == 0
        assert job.signal_all(signal.SIGUSR1, catching=True) == 1
        assert job.wait(10) == 3


HARNESS = """
import os, sys, time
from pathlib import Path
from harness.targets.process import ProcessGroup
argv = ["sh", "-c", "(setsid sh -c 'echo pid $$; exec sleep 60' &); sleep 60"]
with ProcessGroup(argv, cwd=Path(sys.argv[1]), env=os.environ, log=Path(sys.argv[1]) / "job.log") as job:
    while not (lines := job.new_lines()):
        time.sleep(0.01)
    print(job.token, lines[0], flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_job_ends_with_the_harness(tmp_path, number):
    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    token, _, pid = harness.stdout.readline().split()
    harness.send_signal(number)
    harness.wait(20)
    harness.stdout.close()
    assert soon(lambda: not alive(int(pid)))
    assert soon(lambda: survivors(token) == [])


def test_a_job_is_followed_beside_two_thousand_open_files(group):
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1030)]
    try:
        with group("exit 3") as job:
            assert job.wait(20) == 3
    finally:
        for file in files:
            os.close(file)


def test_the_job_ends_when_its_supervisor_is_killed(group):
    with group("(setsid sh -c 'echo pid $$; exec sleep 60' &) ; sleep 60") as job:
        pid = int(wait_for(job, "pid")[0].split()[1])
        job._supervisor.kill()
        assert job.wait(10) == -signal.SIGKILL
    assert not alive(pid)
    assert not alive(job.pid)


def test_leaving_twice_does_no_harm(group):
    job = group("true")
    with job:
        job.wait(10)
    job.terminate()
    assert job.poll() == 0


def test_the_start_costs_little(group):
    times = []
    for _ in range(5):
        begun = time.monotonic()
        with group("true") as job:
            assert job.wait(10) == 0
        times.append(time.monotonic() - begun)
    assert min(times) < 0.5


def write(path, data):
    with path.open("ab") as file:
        file.write(data)


def test_follower_takes_whole_lines_only(tmp_path):
    log = tmp_path / "log"
    write(log, b"one\ntw")
    follower = LogFollower(log)
    assert follower.new_lines() == ["one"]
    write(log, b"o\nthree")
    assert follower.new_lines() == ["two"]
    assert follower.new_lines() == []
    assert follower.new_lines(final=True) == ["three"]
    assert follower.new_lines(final=True) == []


def test_follower_shows_what_a_terminal_shows(tmp_path):
    log = tmp_path / "log"
    write(log, b" 10%\r 20%\r100%\nwindows\r\n- wait\rready\r\n")
    assert LogFollower(log).new_lines() == ["100%", "windows", "ready"]


def test_follower_survives_bytes_that_are_no_text(tmp_path):
    log = tmp_path / "log"
    write(log, b"\xff\xfe caf\xc3\xa9\n")
    assert LogFollower(log).new_lines() == ["\ufffd\ufffd café"]


def test_follower_is_bounded(tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as file:
        for _ in range(3):
            file.write(b"x" * 99 + b"\n" + b"y" * ((1 << 20) - 100))
    follower = LogFollower(log)
    calls = []
    while lines := follower.new_lines(final=True):
        calls.append(lines)
    assert len(calls) >= 3
    assert sum(len(line) for lines in calls for line in lines) == 3 * ((1 << 20) - 1)
    assert len(follower._rest) <= 1 << 16


def test_follower_forgets_endless_progress(tmp_path):
    log = tmp_path / "log"
    write(log, b"".join(b"%d%%\r" % n for n in range(50_000)))
    follower = LogFollower(log)
    assert follower.new_lines() == []
    assert follower.new_lines(final=True) == ["49999%"]


def test_launch_line_is_the_guides():
    line = "python -m torch.distributed.run --standalone --nnodes=1 --nproc_per_node=8 train.py --epochs 2"
    assert launch_argv("train.py", 8, "python", script_args=["--epochs", "2"]) == line.split()


def test_torch_is_missed_where_it_is_missing(tmp_path):
    (tmp_path / "torch").mkdir()  # a namespace package is no torch
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    assert torch_missing(str(bare))
    with_folder = tmp_path / "python2"
    with_folder.write_text(f'#!/bin/sh\ncd {tmp_path}; PYTHONPATH={tmp_path} exec {sys.executable} -S "$@"\n')
    with_folder.chmod(0o755)
    assert torch_missing(str(with_folder))
    with pytest.raises(FileNotFoundError):
        torch_missing(str(tmp_path / "none"))


def test_torch_is_found_where_it_is(tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    assert not torch_missing(sys.executable, {**os.environ, "PYTHONPATH": str(tmp_path)})


def test_survivors_finds_only_the_marked():
    assert survivors("nobody") == []
    with contextlib.ExitStack() as stack:
        child = stack.enter_context(
            subprocess.Popen(["sleep", "60"], env={**os.environ, "HARNESS_JOB_TOKEN": "marked"})
        )
        stack.callback(child.kill)
        assert survivors("marked") == [child.pid]
