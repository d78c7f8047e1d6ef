"""What Slurm 23.11, 24.11 and 25.05 print, read by the names of fields; and a Slurm that tells nothing, or too late."""

from pathlib import Path

import pytest

from harness.evidence.models.slurm_states import ending
from harness.settings.model import Settings, SettingsError, SlurmSettings
from harness.targets.slurm.commands import Slurm, parse_show
from harness.targets.slurm.facts import Facts
from harness.targets.slurm.left_behind import left_behind
from harness.targets.slurm.preflight import refuse_unknown_job
from tests.targets.slurm.double import Double

SHOWN = {
    "23.11": "JobId=4242 JobName=vit UserId=me(1000) GroupId=me(1000) MCS_label=N/A Priority=1 Nice=0 "
    "Account=project_462000001 QOS=normal JobState=COMPLETED Reason=None Dependency=(null) Requeue=1 Restarts=0 "
    "BatchFlag=1 Reboot=0 ExitCode=0:0 RunTime=00:00:13 TimeLimit=00:03:00 TimeMin=N/A "
    "SubmitTime=2026-06-02T02:11:19 AccrueTime=2026-06-02T02:11:19 StartTime=2026-06-02T02:11:19 "
    "EndTime=2026-06-02T02:11:32 Deadline=N/A Scheduler=Main Partition=small-g AllocNode:Sid=uan01:3188365 "
    "NodeList=nid005000 BatchHost=nid005000 NumNodes=1 NumCPUs=1 NumTasks=1 CPUs/Task=1 ReqB:S:C:T=0:0:*:* "
    "ReqTRES=cpu=1,mem=2G,node=1,billing=1,gres/gpu=4 AllocTRES=cpu=1,mem=2G,node=1,billing=1,gres/gpu=4 "
    "Socks/Node=* NtasksPerN:B:S:C=0:0:*:* Features=(null) DelayBoot=00:00:00 OverSubscribe=OK Licenses=(null) "
    "Network=(null) Command=/w/mine.sh WorkDir=/w StdErr=/w/slurm-4242.out StdIn=/dev/null StdOut=/w/slurm-4242.out "
    "Power=",
    "24.11": "JobId=4242 JobName=vit UserId=me(1000) Account=project_462000001 JobState=COMPLETED Reason=None "
    "Restarts=0 ExitCode=0:0 TimeLimit=00:03:00 StartTime=2026-06-02T02:11:19 EndTime=2026-06-02T02:11:32 "
    "Partition=small-g NodeList=nid005000 StepMgrEnabled=Yes NumNodes=1 ReqTRES=cpu=1,gres/gpu=4 "
    "AllocTRES=cpu=1,gres/gpu=4 LicensesAlloc=(null) Command=/w/mine.sh lr=1 "
    "SubmitLine=sbatch --export=NONE -n 8 /w/mine.sh JobState=FAILED WorkDir=/w StdErr= StdIn=/dev/null "
    "StdOut=/w/slurm-4242.out TresPerTask=cpu=1",
    "25.05": "JobId=4242 JobName=vit UserId=me(1000) Account=project_462000001 JobState=COMPLETED Reason=None "
    "Restarts=0 SegmentSize=1 ExitCode=0:0 TimeLimit=00:03:00 StartTime=2026-06-02T02:11:19 "
    "EndTime=2026-06-02T02:11:32 Partition=small-g NodeList=nid005000 AllocTRES=cpu=1,gres/gpu=4 "
    'Command=/w/mine.sh SubmitLine=sbatch -o logs/%x-%j.out /w/mine.sh WorkDir=/w AdminComment={"pods":["a/b"]} '
    "StdErr= StdIn=/dev/null StdOut=/w/logs/%x-%j.out OOMKillStep=0",
}
HEAD = "JobID|JobIDRaw|JobName|State|ExitCode|ElapsedRaw|Start|End|NodeList|AllocTRES|NTasks|Restarts|Unheard"
KEPT = (
    "4242|4242|vit|PREEMPTED|0:15|9|2026-06-02T02:00:00|2026-06-02T02:00:09|nid005001|cpu=1||0|\n"
    "4242|4242|vit|COMPLETED|0:0|13|2026-06-02T02:11:19|2026-06-02T02:11:32|nid005000|cpu=1||1|\n"
    "4242.batch|4242.batch|batch|COMPLETED|0:0|13|Unknown|2026-06-02T02:11:32|nid005000|cpu=1|1||\n"
)


@pytest.fixture
def double(tmp_path, monkeypatch) -> Double:
    made = Double(tmp_path / "bin")
    monkeypatch.setenv("PATH", made.env()["PATH"])
    return made


@pytest.mark.parametrize("version", SHOWN)
def test_scontrol(version):
    shown = parse_show(SHOWN[version])
    facts = Facts(job_id="4242", shown=(shown,))
    out = "/w/logs/vit-4242.out" if version == "25.05" else "/w/slurm-4242.out"
    assert (facts.final_state, facts.exit_code, facts.nodes, facts.gpus) == ("COMPLETED", "0:0", ("nid005000",), 4)
    assert facts.outputs() == (Path(out),)
    assert shown["WorkDir"] == "/w"


def test_the_submission_that_newer_ones_show():
    left = left_behind(parse_show(SHOWN["24.11"]), {}, "")
    assert (left.options["export"], left.options["ntasks"]) == ("NONE", "8")


def test_sacct_with_a_field_that_nobody_asked_for(double):
    double.says("sacct", {"out": f"{HEAD}\n{KEPT}"})
    accounted, _ = Slurm(double.env()).account("4242")
    facts = Facts(job_id="4242", accounted=accounted)
    assert (facts.final_state, facts.restarts, facts.gpus) == ("COMPLETED", 1, None)
    assert [(one.state, one.nodes) for one in facts.attempts()] == [
        ("PREEMPTED", ("nid005001",)),
        ("COMPLETED", ("nid005000",)),
    ]


@pytest.mark.parametrize(
    ("told", "state", "phase"),
    [
        ("4242|COMPLETED|2026-06-02T02:11:19|0:13|3:00|nid005000|None", "COMPLETED", "completed"),
        ("4242|EXPEDITING|N/A|0:00|3:00||BeginTime", "EXPEDITING", "pending"),
        ("4242|POWER_UP_NODE|N/A|0:00|3:00|nid005000|None", "POWER_UP_NODE", "pending"),
        ("4242|UPDATE_DB|2026-06-02T02:11:19|0:13|3:00|nid005000|None", "UPDATE_DB", "running"),
        (
            "4242+0|RUNNING|N/A|0:13|3:00|nid005000|None\n4242+1|NEWER_STILL|N/A|0:13|3:00|nid5|None",
            "RUNNING",
            "running",
        ),
    ],
)
def test_squeue_with_states_of_newer_versions(double, told, state, phase):
    double.says("squeue", {"out": f"{told}\n"})
    queued, trouble = Slurm(double.env()).queue("4242")
    assert (queued.state, trouble, ending(queued.state)) == (state, None, phase)


def test_an_output_file_that_a_newer_squeue_names_by_its_pattern(double):
    double.says(
        "squeue", {"out": f"{'7':64}{'vit':256}/w/%x.out\n{'8_1':64}{'vit':256}/w/%A_%a.out\n{'9':64}{'x':256}\n"}
    )
    assert Slurm(double.env()).outputs_of_others("9") == {"/w/vit.out": "7", "/w/8_1.out": "8_1"}


def test_steps_as_24_11_lists_them(double):
    """A step of the external launcher beside the others, and fields in another order."""
    rows = (
        "State|JobID|NTasks|ExitCode|StdOut|SubmitLine\nCOMPLETED|4242||0:0|/w/%x-%j.out|sbatch -n 8 mine.sh\n"
        "COMPLETED|4242.batch|1|0:0||\nCOMPLETED|4242.extern|1|0:0||\nCOMPLETED|4242.0|8|0:0||srun python train.py\n"
    )
    double.says("sacct", {"out": rows})
    accounted, _ = Slurm(double.env()).account("4242")
    facts = Facts(job_id="4242", accounted=accounted)
    assert [(step.id, step.tasks) for step in facts.steps()][-1] == ("4242.0", 8)
    assert left_behind({}, facts.job_row, "").options["ntasks"] == "8"


@pytest.mark.parametrize(
    ("err", "words"),
    [
        ("Slurm accounting storage is disabled", "Slurm keeps no accounting here"),
        (
            "sacct: error: slurm_persist_conn_open: Problem talking to the database: Connection refused",
            "Slurm's accounting does not answer",
        ),
        ("slurm_load_jobs error: Access/permission denied", "Slurm does not show this to you (PrivateData)"),
        ("Munge encode failed", "Munge encode failed"),
    ],
)
def test_why_slurm_tells_nothing(double, err, words):
    double.says("sacct", {"code": 1, "err": err})
    accounted, trouble = Slurm(double.env()).account("4242")
    assert accounted is None
    assert trouble.text.startswith(words)
    assert err in trouble.text


def test_without_sacct(tmp_path):
    _, trouble = Slurm({"PATH": str(tmp_path)}).account("4242")
    assert trouble.text == "accounting cannot be asked here (sacct: No such file or directory)"


def test_a_slow_sacct_is_not_asked_again_for_what_is_not_needed(double):
    slurm = Slurm(double.env(), silent={"sacct"})
    assert (slurm.environment("7"), slurm.batch_script("7"), double.calls("sacct")) == (None, "", [])
    double.says("sacct", {"sleep": 2})
    waited = Slurm(double.env())
    assert waited.run(["sacct"], timeout_s=0.2).trouble.kind == "timeout"
    assert waited.silent == {"sacct"}


def test_the_environment_that_accounting_kept(double):
    told = "Environment used for 7 (must be batch to display)\n" + "-" * 80 + "\n"
    double.says("sacct", {"out": f"{told}A=1\nWANDB_MODE=offline\nBASH_FUNC_x%%=() {{  :\n}}\n"})
    assert Slurm(double.env()).environment("7") == {"A": "1", "WANDB_MODE": "offline"}
    double.says("sacct", {"out": f"{told}NONE\n"})
    assert Slurm(double.env()).environment("7") is None


@pytest.mark.parametrize(
    ("sacct", "words"),
    [
        ({"out": ""}, "Slurm knows no job 7, or does not show it to you"),
        ({"code": 1, "err": "Slurm accounting storage is disabled"}, "has forgotten job 7, and Slurm keeps no"),
    ],
)
def test_a_job_that_cannot_be_seen_is_refused_in_one_sentence(double, tmp_path, sacct, words):
    double.says("squeue", {"code": 1, "err": "slurm_load_jobs error: Invalid job id specified"})
    double.says("sacct", sacct)
    asked = Settings(
        target="slurm", source="job", server="real", cwd=tmp_path, slurm=SlurmSettings(attach="7")
    )  # fmt: skip
    with pytest.raises(SettingsError, match=words):
        refuse_unknown_job(asked, double.env())
