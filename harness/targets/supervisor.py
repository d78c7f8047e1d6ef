"""Stand between the harness and a job so that no process of the job outlives the harness or the job.

Run as a script: ``python -I -S supervisor.py NAME=VALUE ARGV...``. Stderr is the job's output; stdin takes the order
to end it, the grace in seconds, and its end of file (the harness is gone) means the same; stdout tells
``pid N`` and ``exit STATUS`` (negative: the signal). Linux makes this process the parent of all orphans of
the job (PR_SET_CHILD_SUBREAPER, prctl(2)), so children that changed their session are found too.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
DEFAULT_GRACE_S = 10.0  # without an order: the harness was killed
STRAGGLER_GRACE_S = 3.0  # for what is left when the job's own process group has ended
PAUSE_S = 0.02


def parents() -> dict[int, int]:
    """Return the parent of every process that is not a zombie; empty where there is no /proc."""
    found = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():  # noqa: PTH112, PTH208 - pathlib costs 10 ms
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - as above
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
            except OSError:  # it has just ended
                continue
            if state not in b"ZX":
                found[int(name)] = int(parent)
    return found


def descendants(root: int) -> set[int]:
    """Return every living process below ``root``."""
    parent_of = parents()
    below: set[int] = set()
    more = {root}
    while more:
        more = {pid for pid, parent in parent_of.items() if parent in more and pid not in below}
        below |= more
    return below


def send(pid: int, number: int, *, group: bool = False) -> bool:
    """Signal a process or a process group; tells whether there was one."""
    try:
        (os.killpg if group else os.kill)(pid, number)
    except (ProcessLookupError, PermissionError):  # macOS refuses a group that holds only a zombie
        return False
    return True


class Supervisor:
    """One job and its end."""

    def __init__(self, mark: str, argv: list[str]) -> None:
        """Start ``argv`` in a session of its own, with the variable ``mark``, reading nothing, writing to stderr."""
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.woken, write = os.pipe()
        for end in (self.woken, write):
            os.set_blocking(end, False)
        # Handlers that do nothing: they outlast ^C here, wake select() up, and exec resets them for the job.
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        self.ended = False
        self.job = os.fork()
        if self.job == 0:
            self._become(mark, argv)
        self.tell(f"pid {self.job}")

    @staticmethod
    def _become(mark: str, argv: list[str]) -> None:
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and exec would pass that on
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        name, _, value = mark.partition("=")
        os.environ[name] = value
        try:
            os.execvp(argv[0], argv)  # noqa: S606 - there is no shell to want here
        except OSError as error:
            os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(127)  # what a shell says of a command that cannot be run

    @staticmethod
    def tell(line: str) -> None:
        """Report to the harness, if it still lives."""
        try:
            os.write(1, f"{line}\n".encode())
        except BrokenPipeError:
            return

    def reap(self) -> None:
        """Collect every child that ended; report the job's own status."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.job:
                self.ended = True
                self.tell(f"exit {os.waitstatus_to_exitcode(status)}")

    def wait_for_order(self) -> float:
        """Reap children until an order comes; returns the grace in seconds."""
        while True:
            ready, _, _ = select.select([0, self.woken], [], [])
            if self.woken in ready:
                os.read(self.woken, 4096)
                self.reap()
            if 0 in ready:
                grace = self.order()
                return DEFAULT_GRACE_S if grace is None else grace

    @staticmethod
    def order() -> float | None:
        """Read the last order, the grace in seconds; None if the harness has closed its end."""
        words = os.read(0, 64).split()
        return float(words[-1]) if words else None

    def _wait(self, seconds: float, *, group: bool) -> None:
        """Wait until the job's group (or everything below this process) has ended, or an order to hurry."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.reap()
            if not (send(self.job, 0, group=True) if group else descendants(os.getpid())):
                return
            if select.select([0], [], [], PAUSE_S)[0]:
                hurry = self.order()
                if hurry is None:  # the harness is gone: the grace it gave still holds
                    time.sleep(PAUSE_S)
                else:
                    end = min(end, time.monotonic() + hurry)

    def end(self, grace: float) -> None:
        """End the group, then its orphans, asking first and killing what does not listen."""
        if send(self.job, signal.SIGTERM, group=True):
            self._wait(grace, group=True)
            send(self.job, signal.SIGKILL, group=True)
        self.reap()
        me = os.getpid()
        # Only the uppermost are asked: wandb-core drops unsent data on SIGTERM, but outlives its parent well.
        for pid, parent in parents().items():
            if parent == me:
                send(pid, signal.SIGTERM)
        self._wait(min(grace, STRAGGLER_GRACE_S), group=False)
        for _ in range(100):  # one round may miss what is being forked
            left = descendants(me)
            if not left:
                break
            for pid in left:
                send(pid, signal.SIGKILL)
            time.sleep(PAUSE_S)
            self.reap()
        self.reap()


if __name__ == "__main__":
    supervisor = Supervisor(sys.argv[1], sys.argv[2:])
    supervisor.end(supervisor.wait_for_order())
