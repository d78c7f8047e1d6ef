"""Run a job on this machine: start it, follow its output, know how it ended, leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.targets.supervisor import descendants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

TOKEN = "HARNESS_JOB_TOKEN"  # noqa: S105 - the name of a variable that marks a job's processes, no secret
SUPERVISOR = Path(__file__).with_name("supervisor.py")
CHUNK = 1 << 20
LONGEST_LINE = 1 << 16
KILL_ROUNDS = 50  # one may miss what is being forked


def launch_argv(
    script: str | Path,
    nproc: int,
    python: str = sys.executable,
    *,
    script_args: Sequence[str] = (),
    module: str | None = None,
) -> list[str]:
    """Return the guide's torchrun command for ``nproc`` ranks on this node; ``module`` stands for the script."""
    return [
        python, "-m", "torch.distributed.run", "--standalone", "--nnodes=1", f"--nproc_per_node={nproc}",
        *(("-m", module) if module else (str(script),)), *script_args,
    ]  # fmt: skip


def torch_missing(python: str = sys.executable, env: Mapping[str, str] | None = None) -> bool:
    """Tell, without importing torch, whether that ``python`` lacks it.

    A folder ``torch`` on the path, which Python takes for a namespace package, does not count.

    Raises:
        OSError: ``python`` cannot be run.
    """
    code = "import importlib.util as u, sys; s = u.find_spec('torch'); sys.exit(not (s and s.origin))"
    done = subprocess.run([python, "-c", code], env=env, stdin=subprocess.DEVNULL, check=False)
    return done.returncode != 0


class LogFollower:
    """Reads a growing file of job output in bounded steps."""

    def __init__(self, path: Path) -> None:
        """Begin at the start of ``path``, which must exist."""
        self._file = path.open("rb", buffering=0)
        self._rest = b""

    def close(self) -> None:
        """Close the file; no more lines come."""
        self._file.close()

    def new_lines(self, *, final: bool = False) -> list[str]:
        """Return the complete lines of the next mebibyte at most; empty when there are none yet.

        A line is what a terminal shows in the end: text before a carriage return is dropped (progress bars).
        Lines over 64 KiB come in pieces. With ``final`` an unfinished last line counts as a line.
        """
        data = self._rest + self._file.read(CHUNK)
        *lines, self._rest = data.split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            self._rest = self._rest[self._rest.rstrip(b"\r").rfind(b"\r") + 1 :]
        if self._rest and (len(self._rest) > LONGEST_LINE or (final and len(data) < CHUNK)):
            lines.append(self._rest)
            self._rest = b""
        return [self._shown(line) for line in lines]

    @staticmethod
    def _shown(line: bytes) -> str:
        return line.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace")


class ProcessGroup:
    """One job: a command with all its descendants, in a session of their own; a context manager.

    Leaving the context ends whatever still runs, after any exception, ^C included; if this process is killed,
    the job's supervisor does the same. Output goes from the job straight to the log file.
    """

    def __init__(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> None:
        """Prepare ``argv``; entering the context starts it. ``log`` is made anew."""
        self.argv = list(argv)
        self.log = log
        self.pid: int | None = None
        self.token = token_of(log)
        self._cwd = cwd
        self._env = dict(env)
        self._status: int | None = None
        self._reports = b""
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._follower: LogFollower | None = None

    def __enter__(self) -> Self:
        """Start the job.

        Raises:
            OSError: the log file cannot be written or the folder is not there.
        """
        try:
            with self.log.open("wb") as log:
                self._supervisor = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(SUPERVISOR), f"{TOKEN}={self.token}", *self.argv],
                    cwd=self._cwd,
                    env=self._env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                    bufsize=0,
                )
            self._follower = LogFollower(self.log)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what still runs."""
        try:
            self.terminate()
        finally:
            if self._follower:
                self._follower.close()
            if self._supervisor and self._supervisor.stdout:
                self._supervisor.stdout.close()

    def poll(self) -> int | None:
        """Return the command's exit status (negative: the signal that ended it), None while it runs."""
        return self.wait(0)

    def wait(self, timeout_s: float) -> int | None:
        """Wait at most ``timeout_s`` seconds for the exit status; None if the command still runs then."""
        end = time.monotonic() + timeout_s
        pipe = self._supervisor.stdout if self._supervisor else None
        poll = select.poll()  # select() knows no descriptor from 1024 on
        if pipe and pipe.closed and self._status is None:  # left in haste, when its death was already ordered
            self._status = -signal.SIGKILL
        if pipe and self._status is None:
            poll.register(pipe, select.POLLIN)
        while self._status is None and pipe and poll.poll(1000 * max(0.0, end - time.monotonic())):
            told = os.read(pipe.fileno(), 256)
            self._reports += told
            for line in self._reports.split(b"\n")[:-1]:
                word, _, number = line.partition(b" ")
                if word == b"pid":
                    self.pid = int(number)
                else:
                    self._status = int(number)
            if not told and self._status is None:  # the supervisor itself was killed, and the job with it
                self._status = -signal.SIGKILL
        return self._status

    def cpu_seconds(self) -> float:
        """Return the CPU time of the job's living processes, in seconds; 0 without /proc."""
        if self._supervisor is None:
            return 0.0
        return sum(cpu_seconds_of(pid) for pid in descendants(self._supervisor.pid))

    def environment_of(self, program: str) -> dict[str, str]:
        """Return the variables with which a descendant that runs ``program`` was started; none without /proc."""
        for pid in descendants(self._supervisor.pid) if self._supervisor else ():
            with contextlib.suppress(OSError):  # it has ended, or belongs to somebody else
                # The kernel cuts a name at 15 bytes, be it within a letter.
                if Path(f"/proc/{pid}/comm").read_bytes().strip() == program.encode():
                    read = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="surrogateescape")
                    return dict(word.partition("=")[::2] for word in read.split("\0") if word)
        return {}

    def signal_all(self, number: int, *, without: str = "", catching: bool = False) -> int:
        """Signal every process of the job but those that run the program ``without``; say how many there were.

        With ``catching`` only those that have a handler for it.
        """
        told = 0
        for pid in descendants(self._supervisor.pid) if self._supervisor else ():
            with contextlib.suppress(OSError):  # it has ended
                wanted = Path(f"/proc/{pid}/comm").read_bytes().strip() != without.encode()
                if wanted and (not catching or catches(pid, number)):
                    os.kill(pid, number)
                    told += 1
        return told

    def new_lines(self) -> list[str]:
        """Return output lines that came since the last call, a mebibyte at most; see `LogFollower`.

        When the command has ended, call this until it returns nothing.
        """
        return self._follower.new_lines(final=self.poll() is not None) if self._follower else []

    def terminate(self, grace_s: float = 10.0) -> int | None:
        """End the job: SIGTERM to its process group, SIGKILL ``grace_s`` seconds later, then its orphans.

        Returns the exit status when nothing of the job is left; a second ^C meanwhile shortens the grace to nothing.
        """
        supervisor = self._supervisor
        if supervisor and supervisor.stdin and not supervisor.stdin.closed:
            grace = grace_s
            while True:
                try:
                    self._order(grace)
                    supervisor.wait()
                    break
                except KeyboardInterrupt:
                    if not grace:
                        raise
                    grace = 0.0
            supervisor.stdin.close()
            self.wait(0)
        for _ in range(KILL_ROUNDS):
            left = survivors(self.token)
            if not left:
                break
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        return self._status

    def _order(self, grace_s: float) -> None:
        """Tell the supervisor to end the job."""
        if self._supervisor and self._supervisor.stdin:
            with contextlib.suppress(BrokenPipeError):  # it has ended
                self._supervisor.stdin.write(f"{grace_s:.3f}\n".encode())


def token_of(log: Path) -> str:
    """Return what marks the processes of the job that writes this log."""
    return str(log.resolve())


def survivors(token: str) -> list[int]:
    """Return the processes of this user that carry ``token`` in their environment; none without /proc."""
    wanted = os.fsencode(f"{TOKEN}={token}")
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or belongs to somebody else
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def catches(pid: int, number: int) -> bool:
    """Return whether a process has a handler for a signal, from the mask SigCgt of /proc/PID/status (proc(5))."""
    found = re.search(rb"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_bytes(), re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


def cpu_seconds_of(pid: int) -> float:
    """Return user and system time of a process in seconds, from fields 14 and 15 of /proc/PID/stat (proc(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:  # it has just ended
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
