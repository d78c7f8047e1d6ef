"""The configuration files of the laboratory Slurm: LUMI's partitions and GPU nodes in small."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

ACCOUNT = "project_462000001"
EMPTY_ACCOUNT = "project_462000002"
"""Its allocation is used up: nothing may be submitted."""
STRANGE_ACCOUNT = "project_462000009"
"""The user does not belong to it."""
GPU_MINUTES_ACCOUNT = "project_462000003"
"""Jobs are accepted but wait for ever: no GPU may be used."""


@dataclass(frozen=True)
class Layout:
    """Where everything lies, and on which ports it listens."""

    root: Path
    host: str
    controller_port: int
    database_port: int
    node_ports: tuple[int, ...]
    names: tuple[str, ...] = field(default=())

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the virtual nodes, as LUMI-G has them."""
        return tuple(f"nid{5000 + i:06d}" for i in range(len(self.node_ports)))

    @property
    def conf(self) -> Path:
        """What SLURM_CONF names."""
        return self.root / "etc/slurm.conf"

    @property
    def munge_socket(self) -> Path:
        """Where munged listens."""
        return self.root / "munge/munge.sock"


def slurm_conf(at: Layout) -> str:
    """Return slurm.conf: fast intervals, limits as on LUMI; jobs in idle-g give way to all others."""
    root = at.root
    nodes = "\n".join(
        f"NodeName={name} NodeAddr=127.0.0.1 NodeHostname={at.host} Port={port} Sockets=8 CoresPerSocket=8"
        f" ThreadsPerCore=2 RealMemory=491520 Gres=gpu:mi250:8 State=UNKNOWN"
        for name, port in zip(at.nodes, at.node_ports, strict=True)
    )
    names = ",".join(at.nodes)
    return f"""ClusterName=lab
SlurmctldHost={at.host}(127.0.0.1)
SlurmctldPort={at.controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={at.munge_socket}
CredType=cred/munge
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd.%n.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={at.database_port}
AccountingStoragePass={at.munge_socket}
AccountingStorageEnforce=associations,limits,qos
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_env,job_script
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0,sched_min_interval=200000
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
SlurmdTimeout=15
KillWait=5
MinJobAge=300
OverTimeLimit=0
EnforcePartLimits=ALL
PropagateResourceLimits=NONE
PrologFlags=Alloc
PriorityType=priority/basic
FirstJobId=4242001
{nodes}
PartitionName=DEFAULT PreemptMode=OFF
PartitionName=dev-g Nodes={names} Default=NO MaxTime=3:00:00 MaxNodes=32 State=UP QOS=dev-g OverSubscribe=NO
PartitionName=small-g Nodes={names} Default=NO MaxTime=3-00:00:00 MaxNodes=4 State=UP DefMemPerNode=4096
PartitionName=standard-g Nodes={names} Default=NO MaxTime=2-00:00:00 State=UP OverSubscribe=EXCLUSIVE
PartitionName=idle-g Nodes={names} Default=NO MaxTime=1:00:00 State=UP PriorityTier=0 PreemptMode=REQUEUE GraceTime=0
"""


def gres_conf(at: Layout) -> str:
    """Return gres.conf: eight GCDs a node; the device files are links to /dev/null."""
    names = ",".join(at.nodes)
    return f"NodeName={names} Name=gpu Type=mi250 File={at.root}/dev/gcd[0-7] Flags=amd_gpu_env\n"


def slurmdbd_conf(at: Layout) -> str:
    """Return slurmdbd.conf; the database is reached through its socket, as root."""
    return f"""AuthType=auth/munge
AuthInfo=socket={at.munge_socket}
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={at.database_port}
SlurmUser=root
LogFile={at.root}/log/slurmdbd.log
PidFile={at.root}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageUser=root
StorageLoc=slurm_acct_db
CommitDelay=0
"""


def accounts(user: str) -> str:
    """Return what `sacctmgr load` reads: projects, and dev-g's limit of one running and two submitted jobs."""
    member = f"User - '{user}':DefaultAccount='{ACCOUNT}':AdminLevel='Administrator':Fairshare=1"
    return f"""Cluster - 'lab':Fairshare=1:QOS='normal'
Parent - 'root'
User - 'root':DefaultAccount='root':AdminLevel='Administrator':Fairshare=1
Account - '{ACCOUNT}':Description='lab':Organization='lab':Fairshare=1
Account - '{EMPTY_ACCOUNT}':Description='lab':Organization='lab':Fairshare=1:MaxSubmitJobs=0
Account - '{GPU_MINUTES_ACCOUNT}':Description='lab':Organization='lab':Fairshare=1
Account - '{STRANGE_ACCOUNT}':Description='lab':Organization='lab':Fairshare=1
Parent - '{ACCOUNT}'
{member}
Parent - '{EMPTY_ACCOUNT}'
User - '{user}':Fairshare=1:MaxSubmitJobs=0
Parent - '{GPU_MINUTES_ACCOUNT}'
User - '{user}':Fairshare=1
"""
