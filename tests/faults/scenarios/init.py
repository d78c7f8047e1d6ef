"""Scenarios about starting a run: permissions, names, ids, the installation, the disk, and calls in the wrong order."""

import contextlib
from collections.abc import Iterator

from harness.loopback.faults import Fault
from tests.faults.healthy import earlier_runs
from tests.faults.installations import HIDE_PACKAGE, TINY_DISK, beside, without_core
from tests.faults.scenario import GOOD, Hook, Scenario, Stage, init_job

IMPATIENT = {"WANDB_INIT_TIMEOUT": "6"}
NO_RUN = ("test_init_succeeded",)
NOT_WRITABLE = ("test_project_is_writable",)
DELETED = init_job('id="again"')
FOREIGN = init_job('entity="someone-else"')
NOBODY = init_job('entity="your_entity"')
OTHERS_LOG = GOOD + "\nif rank != 0: wandb.log({'loss': 1.0})\n"
LATE_LOG = init_job(train='train(run); run.finish(); run.log({"loss": 0.1})')
LATE_GLOBAL_LOG = init_job(train='train(run); wandb.finish(); wandb.log({"loss": 0.1})')
TWICE = init_job(train='again = wandb.init(project="second"); train(run); run.finish()')
LATE_VARIABLE = init_job(before='import wandb\nwandb.setup(); os.environ["WANDB_NOTES"] = "late"')
NO_MEMORY = "import resource; resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))"


def tiny_disk(size: str, train: str = "train(run); run.finish()") -> str:
    """A job whose run directory has so much room."""
    return init_job(before=TINY_DISK.replace("SIZE", size), train=train)


def deleted(run_id: str) -> Hook:
    """A run of this id was there before the job, and has been deleted."""

    @contextlib.contextmanager
    def hook(stage: Stage) -> Iterator[None]:
        with earlier_runs(count=1, run_id=run_id)(stage):
            for run in stage.server.store.runs():
                stage.server.store.delete_run(run)
            yield

    return hook


SWALLOWED = """
import wandb
try:
    run = wandb.init(project="scenario", entity="nobody-of-that-name")
except Exception:
    run = None
for e in range(3):
    row = epoch(e)
    if run: run.log(row); time.sleep(0.5)
if run: run.finish()
"""

RESUMED = """
import wandb
def start(**changed):
    run = wandb.init(project="scenario", config=CONFIG, id="resumed", resume="allow",
                     settings=wandb.Settings(x_stats_sampling_interval=0.5))
    run.config.update({**CONFIG, **changed}); train(run); run.finish()
start(); start(epochs=6)
"""
TOO_LONG = {
    "tag": init_job('tags=["x" * 65]'), "name": init_job('name="n" * 129'), "id": init_job('id="i" * 129'),
    "group": init_job('group="g" * 129'), "job-type": init_job('job_type="j" * 65'),
    "project": init_job().replace('project="scenario"', 'project="p" * 129'), "file-name": init_job('id="i" * 250'),
}  # fmt: skip
LONGEST = init_job('tags=["x" * 64], name="n" * 128, job_type="j" * 64')

SCENARIOS = (
    Scenario(
        name="upsert-never-answers",
        expect="init-timeout-generic",
        misbehave=(Fault(operation="UpsertBucket", hang=True),),
        env=IMPATIENT,
        failed=NO_RUN,
    ),
    *(
        Scenario(
            name=f"deleted-run-id{f'-{sdk}' if sdk else ''}", expect="init-deleted-run-id", job=DELETED,
            hook=deleted("again"), env=IMPATIENT, failed=NO_RUN, sdk=sdk,
        )
        for sdk in (None, "0.19.5")
    ),
    Scenario(
        name="hang-after-timeout",
        expect="init-deleted-run-id",
        also=frozenset({"init-hang-after-timeout"}),
        job=DELETED,
        hook=deleted("again"),
        env=IMPATIENT,
        failed=NO_RUN,
        sdk="0.24.2",
        timeout_s=300,
    ),
    Scenario(name="entity-403", expect="init-entity-403", job=FOREIGN, nproc=2),
    *(
        Scenario(name=f"entity-403-{sdk}", expect="init-entity-403", job=FOREIGN, sdk=sdk)
        for sdk in ("0.19.5", "0.28.2")
    ),
    Scenario(name="entity-403-seen-before", expect="init-entity-403", env={"WANDB_ENTITY": "someone-else"},
             failed=NOT_WRITABLE),
    Scenario(name="entity-404", expect="init-entity-404", job=NOBODY, failed=NO_RUN),
    *(
        Scenario(name=f"entity-404-{sdk}", expect="init-entity-404", job=NOBODY, failed=NO_RUN, sdk=sdk)
        for sdk in ("0.19.5", "0.28.2")
    ),
    Scenario(name="entity-404-seen-before", expect="init-entity-404", env={"WANDB_ENTITY": "your_entity"},
             failed=NOT_WRITABLE),
    Scenario(
        name="bad-project-name", expect="init-bad-project-name", failed=NO_RUN,
        job=init_job().replace('project="scenario"', 'project="me/scenario"'),
    ),
    Scenario(name="bad-run-id", expect="init-bad-run-id", job=init_job('id="123:4"'), failed=NO_RUN),
    Scenario(name="empty-run-id", expect="init-bad-run-id", env={"WANDB_RUN_ID": ""}, failed=NO_RUN),
    Scenario(
        name="resume-must", expect="init-resume-must-missing", job=init_job('id="new1", resume="must"'), failed=NO_RUN
    ),
    Scenario(
        name="resume-must-0.28.2",
        expect="init-resume-must-missing",
        job=init_job('id="new1", resume="must"'),
        sdk="0.28.2",
        failed=NO_RUN,
    ),
    Scenario(
        name="resume-never",
        expect="init-resume-never-exists",
        job=init_job('id="old1", resume="never"'),
        hook=earlier_runs(count=1, run_id="old1"),
        failed=("test_job_completed",),
    ),
    Scenario(
        name="service-too-slow", expect="init-service-start-timeout", env={"WANDB_X_SERVICE_WAIT": "0.001"},
        failed=NO_RUN,
    ),
    Scenario(name="service-died", expect="init-service-died", job=init_job(before=NO_MEMORY), failed=NO_RUN),
    Scenario(name="core-missing", expect="init-core-missing", hook=without_core, failed=NO_RUN),
    Scenario(
        name="stale-service", expect="init-stale-wandb-service", env={"WANDB_SERVICE": "3-1-unix-/tmp/nope"},
        failed=NO_RUN, nproc=2,
    ),
    Scenario(
        name="stale-service-of-an-old-sdk", expect="init-stale-wandb-service",
        env={"WANDB_SERVICE": "2-12345-tcp-localhost-40001"}, failed=NO_RUN,
    ),
    Scenario(
        name="stale-service-0.19.5", expect="init-stale-wandb-service",
        env={"WANDB_SERVICE": "2-12345-tcp-localhost-40001"}, failed=NO_RUN, sdk="0.19.5",
    ),
    Scenario(
        name="shadowed-by-folder", expect="init-shadowed-by-folder", failed=NO_RUN, nproc=2,
        job=HIDE_PACKAGE + GOOD, files={"wandb/settings": "[default]\n"},
    ),
    Scenario(name="shadowed-by-file", expect="init-shadowed-by-file", files={"wandb.py": ""}, failed=NO_RUN),
    Scenario(
        name="shadowed-by-module", expect="init-shadowed-by-file", failed=NO_RUN,
        files={"wandb.py": "import wandb\nwandb.login()\n"},
    ),
    Scenario(name="shadowed-by-package", expect="init-shadowed-by-file", failed=NO_RUN,
             files={"wandb/__init__.py": ""}),
    Scenario(
        name="rank-is-a-text", expect="init-never-reached", failed=NO_RUN, nproc=2,
        job=init_job(guard='if os.environ["RANK"] == 0:') + "[epoch(e) for e in range(3)]\n",
    ),
    Scenario(name="not-installed", expect="init-not-installed", job=HIDE_PACKAGE + GOOD, failed=NO_RUN, nproc=2),
    Scenario(name="folder-not-writable", expect="init-dir-not-writable", kind="warning",
             env={"WANDB_DIR": "/proc/nope"}),
    Scenario(
        name="folder-not-writable-0.19.5", expect="init-dir-not-writable", kind="warning",
        env={"WANDB_DIR": "/proc/nope"}, sdk="0.19.5",
    ),
    Scenario(name="disk-full", expect="init-disk-quota", job=tiny_disk("8k"), failed=NO_RUN),
    Scenario(
        name="core-panic", expect="init-core-panic", misbehave=(Fault(operation="CreateRunFiles", nulls=True),),
    ),
    Scenario(name="variable-too-late", expect="init-env-changed-late", kind="warning", job=LATE_VARIABLE),
    Scenario(
        name="other-ranks-log", expect="init-log-before-init", job=OTHERS_LOG,
        failed=("test_job_completed",), nproc=2,
    ),
    Scenario(name="log-after-finish", expect="init-log-after-finish", job=LATE_LOG, failed=("test_job_completed",)),
    Scenario(
        name="global-log-after-finish", expect="init-log-after-finish", job=LATE_GLOBAL_LOG,
        failed=("test_job_completed",),
    ),
    Scenario(name="init-twice", expect="init-active-run-returned", job=TWICE),
    Scenario(name="entity-404-swallowed", expect="init-entity-404", job=SWALLOWED, failed=NO_RUN),
    Scenario(name="old-protobuf", expect="init-protobuf-conflict", hook=beside("protobuf==3.19.6"), failed=NO_RUN),
    Scenario(name="old-pydantic", expect="init-pydantic-conflict", hook=beside("pydantic==1.10.13"), failed=NO_RUN),
    *(
        Scenario(name=f"{what}-too-long", expect="init-value-too-long", job=job, failed=NO_RUN)
        for what, job in TOO_LONG.items()
    ),
    Scenario(name="variable-too-long", expect="init-value-too-long", env={"WANDB_NAME": "n" * 129}, failed=NO_RUN),
    Scenario(
        name="too-long-offline", expect="init-value-too-long", kind="warning", job=TOO_LONG["name"],
        options=("--offline",),
    ),
    Scenario(name="ok-as-long-as-can-be", job=LONGEST),
    Scenario(
        name="config-changed-on-resume", expect="init-config-changed-on-resume", job=RESUMED,
        failed=("test_job_completed",),
    ),
    Scenario(
        name="config-changed", expect="init-config-changed-on-resume",
        job=init_job(train="train(run, 2); run.config.epochs = 6"), failed=("test_job_completed",),
    ),
    Scenario(
        name="ok-config-changed-on-purpose",
        job=init_job(train='run.config.update({"epochs": 6}, allow_val_change=True); train(run); run.finish()'),
    ),
    Scenario(name="sweep-left-over", expect="init-stale-sweep", kind="warning", env={"WANDB_SWEEP_ID": "k3x9q2ab"}),
    Scenario(
        name="misspelt-variable", expect="init-unknown-variable", kind="warning", env={"WANDB_ENTITTY": "loopback"}
    ),
    Scenario(
        name="variable-in-lower-case", expect="init-unknown-variable", kind="warning", env={"wandb_mode": "offline"}
    ),
    Scenario(
        name="misspelt-in-the-script", expect="init-unknown-variable", kind="warning",
        job=init_job(before='os.environ["WANDB_PORJECT"] = "vit"'),
    ),
    Scenario(
        name="ok-variables-of-ones-own", env={"WANDB_LOG_MODEL": "true", "WANDB_RUN_NAME": "a", "WANDB_MODELS": "/x"},
        job=init_job(before='models = os.environ["WANDB_MODELS"]'),
    ),
    Scenario(
        name="unknown-key-in-a-settings-file", expect="init-settings-file-ignored", kind="warning",
        files={"wandb/settings": "[default]\nmode = offline\nno_such_setting = 1\n"},
    ),
    Scenario(
        name="bad-value-in-the-users-settings-file", expect="init-settings-file-ignored", kind="warning",
        files={"~/.config/wandb/settings": "[default]\nmode = offline\ninit_timeout = soon\n"},
        env={"WANDB_SILENT": "true"},
    ),
    Scenario(
        name="settings-file-without-a-section", expect="init-settings-file-ignored", kind="warning",
        files={"wandb/settings": "mode = offline\n"},
    ),
    Scenario(
        name="unknown-key-in-a-settings-file-0.19.5", expect="init-setting-refused", sdk="0.19.5", failed=NO_RUN,
        files={"wandb/settings": "[default]\nno_such_setting = 1\n"},
        also=frozenset({"init-settings-file-ignored"}),
    ),
    Scenario(
        name="script-without-wandb", expect="init-script-without-wandb", failed=NO_RUN,
        job="for e in range(3): epoch(e); time.sleep(0.1)\n",
    ),
    Scenario(name="timeout-that-is-no-number", expect="init-setting-refused", env={"WANDB_HTTP_TIMEOUT": "abc"},
             failed=NO_RUN, nproc=2),
    Scenario(
        name="per-cent-sign-in-a-settings-file", expect="init-setting-refused", failed=NO_RUN,
        files={"~/.config/wandb/settings": "[default]\nhttps_proxy = http://me:%40@proxy.example:3128\n"},
    ),
    Scenario(
        name="ok-settings-file",
        files={"~/.config/wandb/settings": "[default]\nentity = loopback-team\nmode = online\n"},
    ),
    Scenario(
        name="ok-entity-of-the-script",
        env={"WANDB_ENTITY": "nobody-of-that-name"},
        job=init_job('entity="loopback-team"'),
    ),
    Scenario(
        name="ok-server-of-the-script",
        env={"WANDB_BASE_URL": "http://127.0.0.1:9", "SERVER": "{URL}"},
        job=init_job(before='os.environ["WANDB_BASE_URL"] = os.environ["SERVER"]'),
    ),
)  # fmt: skip
