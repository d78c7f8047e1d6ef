"""A real Slurm in one folder: munge, slurmdbd with MariaDB, slurmctld, and virtual nodes with eight GPUs each."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from typing_extensions import Self

from tests.slurm.configuration import GPU_MINUTES_ACCOUNT, Layout, accounts, gres_conf, slurm_conf, slurmdbd_conf
from tests.slurm.daemons import Daemon, belonging, end_all, wait_until

NEEDED = (
    "munged", "mungekey", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sacctmgr", "sbatch",
    "bwrap", "unshare",
)  # fmt: skip
PACKAGES = "slurm-wlm munge slurmdbd mariadb-server charliecloud-runtime squashfs-tools bubblewrap"
SBIN = "/usr/sbin:/sbin"


def missing() -> str | None:
    """Say what this machine lacks for the laboratory, or None."""
    path = f"{os.environ.get('PATH', '')}:{SBIN}"
    lacking = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if lacking:
        return f"no {', '.join(lacking)}: apt-get install --no-install-recommends {PACKAGES}"
    if os.geteuid() != 0:
        return "the virtual nodes need root"
    if subprocess.run(["unshare", "--uts", "--mount", "true"], check=False, capture_output=True).returncode:
        return "the virtual nodes need namespaces (unshare --uts --mount)"
    return None


def free_ports(count: int) -> list[int]:
    """Return ports on which nobody listens now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Laboratory:
    """The daemons of one Slurm, started in order; leaving the context ends them with all that they started."""

    def __init__(self, root: Path, nodes: int = 4) -> None:
        ports = free_ports(nodes + 2)
        host = socket.gethostname().partition(".")[0]
        self.root = root
        self.at = Layout(root, host, ports[0], ports[1], tuple(ports[2:]))
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("SLURM", "SBATCH", "SQUEUE", "SACCT"))},
            "SLURM_CONF": str(self.at.conf),
            "PATH": f"{os.environ['PATH']}:{SBIN}",
        }
        self.daemons: dict[str, Daemon] = {}

    def __enter__(self) -> Self:
        try:
            self._lay_out()
            self._start_munge()
            self._start_database()
            self._start_accounting()
            self._start_controller()
            for name in self.at.nodes:
                self.start_node(name)
            wait_until("nodes idle", lambda: self.say("sinfo", "-h", "-N", "-p", "dev-g", "-t", "idle").count("\n")
                       == len(self.at.nodes))  # fmt: skip
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End jobs, daemons, and whatever they left running."""
        slurmd = [d for n, d in self.daemons.items() if n.startswith("nid")]
        if "slurmctld" in self.daemons and self.daemons["slurmctld"].alive():
            subprocess.run(
                ["scancel", "--user", getpass.getuser()], env=self.env, check=False, capture_output=True, timeout=30
            )
        for daemon in slurmd:
            daemon.stop(5)
        for name in ("slurmctld", "slurmdbd", "mariadbd", "munged"):
            if name in self.daemons:
                self.daemons[name].stop()
        end_all(lambda: belonging(str(self.root)))

    def run(self, *argv: str, timeout_s: float = 60.0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in this Slurm's environment."""
        return subprocess.run(
            argv, env=self.env, check=False, capture_output=True, text=True, timeout=timeout_s, cwd=cwd
        )

    def say(self, *argv: str) -> str:
        """Return what a command prints, empty if it fails."""
        done = self.run(*argv)
        return done.stdout if done.returncode == 0 else ""

    def start_node(self, name: str) -> None:
        """Start a virtual node's slurmd with a host name and a hosts file of its own."""
        setup = f'hostname {name} && mount --bind {self.root}/etc/hosts /etc/hosts && exec "$@"'
        argv = [
            "unshare",
            "--uts",
            "--mount",
            "sh",
            "-c",
            setup,
            "sh",
            "slurmd",
            "-D",
            "-N",
            name,
            "-f",
            str(self.at.conf),
        ]
        self._start(name, argv)

    def _start(self, name: str, argv: Sequence[str], **env: str) -> None:
        daemon = Daemon(name, argv, self.root / f"log/{name}.out", {**self.env, **env})
        self.daemons[name] = daemon
        daemon.start()

    def _lay_out(self) -> None:
        for name in ("etc", "state", "spool", "run", "log", "dev", "db", "tmp", "munge"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for folder in (self.root, self.root / "munge"):  # munged refuses a socket that others cannot reach
            folder.chmod(0o711)
        for i in range(8):
            (self.root / f"dev/gcd{i}").symlink_to("/dev/null")
        for name in self.at.nodes:
            (self.root / "spool" / name).mkdir()
        self.at.conf.write_text(slurm_conf(self.at))
        (self.root / "etc/gres.conf").write_text(gres_conf(self.at))
        hosts = "".join(f"127.0.1.{i + 1} {name}\n" for i, name in enumerate(self.at.nodes))
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost {self.at.host}\n{hosts}")
        secret = self.root / "etc/slurmdbd.conf"
        secret.write_text(slurmdbd_conf(self.at))
        secret.chmod(0o600)

    def _start_munge(self) -> None:
        folder = self.root / "munge"
        self.run("mungekey", "--create", f"--keyfile={folder}/munge.key")
        self._start("munged", [
            "munged", "--foreground", f"--key-file={folder}/munge.key", f"--socket={self.at.munge_socket}",
            f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed",
        ])  # fmt: skip
        wait_until("munge", self.at.munge_socket.exists)

    def _start_database(self) -> None:
        data, socket_path = self.root / "db", self.root / "run/mysql.sock"
        user = getpass.getuser()
        done = self.run(
            "mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--user={user}", "--skip-test-db",
            "--auth-root-authentication-method=socket", f"--auth-root-socket-user={user}",
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        self._start("mariadbd", [
            "mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={socket_path}", "--skip-networking",
            f"--user={user}", f"--pid-file={self.root}/run/mariadbd.pid", f"--tmpdir={self.root}/tmp",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M",
        ])  # fmt: skip
        wait_until("database", socket_path.exists)

    def _start_accounting(self) -> None:
        self._start("slurmdbd", ["slurmdbd", "-D"], MYSQL_UNIX_PORT=str(self.root / "run/mysql.sock"))
        wait_until("slurmdbd", lambda: bool(self.say("sacctmgr", "-n", "show", "qos")))
        for argv in (
            ("add", "cluster", "lab"),
            ("add", "qos", "dev-g", "MaxJobsPerUser=1", "MaxSubmitJobsPerUser=2"),
        ):
            self.run("sacctmgr", "-i", *argv)
        listing = self.root / "etc/accounts"
        listing.write_text(accounts(getpass.getuser()))
        done = self.run("sacctmgr", "-i", "load", f"file={listing}")
        assert done.returncode == 0, done.stdout + done.stderr

    def _start_controller(self) -> None:
        self._start("slurmctld", ["slurmctld", "-D", "-f", str(self.at.conf)])
        wait_until("slurmctld", lambda: "UP" in self.say("scontrol", "ping"))
        # The database knows GPUs only once a controller has told it of them.
        wait_until("gres/gpu", lambda: "gpu" in self.say("sacctmgr", "-n", "-P", "show", "tres"))
        self.run(
            "sacctmgr", "-i", "modify", "account", GPU_MINUTES_ACCOUNT, "set", "GrpTRESMins=gres/gpu=0",
        )  # fmt: skip

    def revive(self, name: str) -> None:
        """Start a daemon again that was stopped, and wait until Slurm answers."""
        if not self.daemons[name].alive():
            self.daemons[name].start()
        wait_until("Slurm answers", lambda: "UP" in self.say("scontrol", "ping"), 60, 0.5)

    def settle(self) -> None:
        """Wait until the queue is empty and every node is free again."""
        self.run("scontrol", "delete", "reservationname=maintenance")
        for line in self.say("sinfo", "-h", "-N", "-p", "dev-g", "-o", "%N %T").splitlines():
            name, _, state = line.partition(" ")
            if state.strip("*~#$@+") in ("down", "drained", "draining", "fail"):
                self.run("scontrol", "update", f"nodename={name}", "state=resume")
        wait_until("queue empty", lambda: not self.say("squeue", "-h").strip(), 60, 0.3)
        wait_until("nodes idle", lambda: self.say("sinfo", "-h", "-N", "-p", "dev-g", "-t", "idle").count("\n")
                   == len(self.at.nodes), 60, 0.3)  # fmt: skip
