"""What Slurm's states and pending reasons mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.evidence.models.job import Ending

WAITING = frozenset({
    "PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT", "CONFIGURING",
    "POWER_UP_NODE", "EXPEDITING",
})  # fmt: skip
"""The last ones since 24.05 and 25.05: https://slurm.schedmd.com/job_state_codes.html."""
PAUSED = WAITING | {"SUSPENDED", "STOPPED"}
"""While it is in such a state nothing comes of a job, and nothing is wrong."""
RUNNING = frozenset({"RUNNING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING", "STAGE_OUT", "UPDATE_DB"})
COMPLETING = "COMPLETING"
"""The processes have ended, the node is being tidied up; sacct knows the end already."""
ENDINGS: Mapping[str, Ending] = {
    "COMPLETED": "completed",
    "FAILED": "failed",
    "LAUNCH_FAILED": "failed",
    "RECONFIG_FAIL": "failed",
    "TIMEOUT": "timeout",
    "DEADLINE": "timeout",
    "CANCELLED": "cancelled",
    "PREEMPTED": "cancelled",
    "REVOKED": "cancelled",
    "OUT_OF_MEMORY": "out_of_memory",
    "NODE_FAIL": "node_fail",
    "BOOT_FAIL": "node_fail",
}
"""How a job ended, by the first word of sacct's State (`CANCELLED by 1000`)."""


def base(state: str) -> str:
    """Return the state's own word: `CANCELLED by 1000` and `CANCELLED+` are CANCELLED."""
    found = re.match(r"[A-Z_]+", state.strip())
    return found[0] if found else ""


def ending(state: str | None) -> Ending:
    """Say how a job ended, or where it stands."""
    word = base(state or "")
    if word in WAITING:
        return "pending"
    if word in RUNNING or word == COMPLETING:
        return "running"
    return ENDINGS.get(word, "unknown")


def progress(state: str) -> int:
    """Put states in order: a job that waits has further to go than one that runs, and that than one that ended."""
    word = base(state)
    return 0 if word in WAITING else 1 if word in RUNNING else 2 if word == COMPLETING else 3


def is_final(state: str) -> bool:
    """Whether nothing more happens to a job in that state."""
    return base(state) in ENDINGS


# With underscores in `scontrol`, with spaces in `squeue` (seen with 22.05).
ON_HOLD = r"launch.failed.requeued.held|job.requeued.in.held.state"
REASONS: tuple[tuple[str, str], ...] = (
    (r"Priority", "other jobs are ahead in the queue"),
    (r"Resources", "next in line, waits for nodes to become free"),
    (r"None", "Slurm has not looked at it yet"),
    (r"QOSMaxJobsPerUserLimit|AssocMaxJobsLimit|QOSMaxJobsPerAccountLimit",
     "as many of your jobs run as the partition allows; it starts when one of them ends"),
    (r"QOSMaxSubmitJob\w*|AssocMaxSubmitJob\w*", "you have as many jobs in the queue as are allowed"),
    (r"(Assoc|QOS)Grp\w*(Minutes|RunMinutes)\w*", "the project's allocation is used up"),
    (r"(Assoc|QOS)(Grp|Max)\w*Limit|(Assoc|QOS)(Grp|Max)\w*", "the project or the partition is at a limit"),
    (r"ReqNodeNotAvail.*[Rr]eserved for maintenance|.*[Mm]aintenance.*",
     "a maintenance is planned, and the job would not end before it"),
    (r"ReqNodeNotAvail.*", "the nodes it needs are down or reserved"),
    (r"Nodes required for job are DOWN.*", "the nodes it needs are down, drained or reserved"),
    (r"Reservation\w*", "waits for its reservation"),
    (r"DependencyNeverSatisfied", "it depends on a job that failed: it never starts"),
    (r"Dependency", "waits for another job to end"),
    (r"BeginTime", "its start time is in the future, as after a requeue"),
    (r"JobHeldUser", "it is held: scontrol release lets it go"),
    (r"JobHeldAdmin", "an administrator holds it"),
    (rf"JobHold.*|{ON_HOLD}", "it was put on hold after a failed start: scontrol release lets it go"),
    (r"PartitionTimeLimit", "it asks for more time than the partition allows: it never starts"),
    (r"PartitionNodeLimit", "it asks for more nodes than the partition allows: it never starts"),
    (r"Partition(Down|Inactive)", "the partition takes no jobs now"),
    (r"BadConstraints", "no node has what it asks for: it never starts"),
    (r"Invalid(Account|QOS)", "its account or quality of service is not valid any more"),
    (r"Licenses", "waits for a licence"),
    (r"Prolog|Cleaning", "the node is being prepared"),
)  # fmt: skip
NEVER = re.compile(
    r"DependencyNeverSatisfied|JobHeld(User|Admin)|Partition(Time|Node)Limit|BadConstraints|Invalid(Account|QOS)"
    r"|(Assoc|QOS)Grp\w*Minutes|JobHoldMaxRequeue|RESV_DEL_HOLD|" + ON_HOLD
)
"""Reasons that time alone does not take away."""


def meaning(reason: str) -> str:
    """Say what a pending reason means; empty where it is not known."""
    return next((words for pattern, words in REASONS if re.fullmatch(pattern, reason.strip())), "")
