"""Every command in README, CONTRIBUTING and docs/ is run by a test, or it is said why it cannot be run."""

import shutil
import xml.etree.ElementTree as ET

import pytest

from harness.commands.bundle import pack
from harness.loopback.server import LoopbackServer
from harness.settings.options import OPTIONS
from tests.faults.scenario import PRELUDE, init_job
from tests.readme.commands import commands, flags
from tests.readme.desk import CLONE, Desk, lay
from tests.readme.documents import README as README_FILE
from tests.readme.documents import WRITTEN, text_of

README = README_FILE.read_text()
WORDS = text_of(WRITTEN)
USER = "pytest CLONE/checks -c CLONE/pyproject.toml --rootdir CLONE --job train.py"

RUN: dict[str, str | None] = {
    "lumi-wandb check --job train.py --server real": None,
    f"{USER} --report report --junit-xml report/junit.xml": None,
    "pytest checks --job train.py --nproc 4": "dup-one-run-per-rank",
    "pytest checks --run ENTITY/PROJECT/RUN_ID": None,
    "pytest checks --run-dir wandb/": None,
    "pytest checks --job-log slurm-123.out": None,
    "pytest checks --run ENTITY/PROJECT/RUN_ID --job-log slurm-123.out": None,
    "pytest checks --run-dir wandb/ --job-log slurm-123.out": None,
    "pytest checks --replay evidence.json": None,
    "pytest checks --replay support.zip": None,
}
"""Run below: the root cause that comes out."""
PRINTS = {
    "python -m harness explain --log slurm-123.out": "ver-core-banner",
    "python -m harness faults": "auth-no-key",
    "python -m harness bundle": "left out:",
    "python -m harness bundle REPORT --output support.zip": "written: support.zip",
    "python -m harness explain FAULT_ID": "Every rank made its own W&B run",
}
"""Run below: a word that is printed."""
ELSEWHERE = {
    "make lint": ("Makefile", "test: lint quick"),
    "make check": (".ci/run", "make check"),
    "make test": (".ci/run", "make test"),
    "make quick": ("Makefile", "\nquick:"),
    "make fire": ("lab/fire/test_matrix.py", "play_all(recording, part"),
    "make faults": ("tests/faults/test_faults.py", "judge(played)"),
    "make cures": ("tests/faults/test_cures.py", "cure(scenario"),
    "make mutants": ("lab/mutation/test_mutation.py", '"-m", "lab.mutation", "-n", str(COUNT)'),
    "make storm": ("lab/storm/test_interruptions.py", "interruptions"),
    "python -m lab.storm.fuzz_server": ("lab/storm/test_fuzz_server.py", "fuzz_server.run("),
    "python -m lab.bench scale mutation": ("lab/storm/test_scale.py", "bench_scale"),
    "TORCH='torch==2.14.1 torchvision==0.29.1' make check": (".ci/run", 'TORCH:-torch==2.14.1 torchvision==0.29.1}"'),
    "pytest checks --job train.py --rehearse all": (
        "tests/verification/rehearsal/test_rehearse.py", "def test_a_script_that_is_right_survives_all",
    ),
    "pytest checks --lumi --job job.sh --rehearse requeue": (
        "tests/slurm/test_rehearsal.py", '"--job", "job.sh", "--rehearse", "requeue"',
    ),
    "pytest checks": ("Makefile", "$(PY) -m pytest checks\n"),
    "pip install -e '.[local]'": ("Makefile", "-e '.[local,test]'"),
    USER: ("tests/examples/test_github.py", "def test_its_command_verifies_a_script"),
    ".venv/bin/pytest checks --lumi --lumi-account project_465000000": (
        "tests/slurm/test_verification.py", "def test_default_job_passes_on_two_nodes",
    ),
    "reframe -c examples/reframe/wandb_check.py -r -S WandbCheck.options=--lumi,--lumi-account=project_465000000": (
        "tests/slurm/test_reframe.py", "def test_the_harness_submits_its_own_job",
    ),
    "pytest checks --lumi --lumi-account project_465000000": (
        "tests/slurm/test_verification.py", "def test_default_job_passes_on_two_nodes",
    ),
    "python -m tests.slurm.proofs": ("tests/targets/slurm/test_proofs.py", "def test_the_table_is_printed"),
    "python -m tests.slurm.interruptions": ("tests/slurm/test_interruption.py", "interrupt(player, moment"),
    "pytest checks --offline": ("tests/faults/scenarios/metrics.py", 'options=("--offline",)'),
    "pytest checks --offline --sync --server real": ("tests/faults/healthy.py", 'options=("--offline", "--sync")'),
    "wandb sync wandb/offline-run-TIME-RUN_ID": (
        "tests/compat/test_loopback_sdks.py", "def test_login_and_sync_of_an_offline_run",
    ),
    "wandb login": ("tests/compat/test_loopback_sdks.py", "def test_login_and_sync_of_an_offline_run"),
    "sbatch --test-only": ("tests/targets/slurm/test_commands.py", "def test_only_final_refusals_of_the_trial_count"),
    "python -m harness faults --markdown docs/faults": (
        "tests/commands/test_fault_pages.py", "def test_they_are_written_to_the_folder_that_is_named",
    ),
    "python -m tests.faults.table -k gpu-memory-full": (
        "tests/readme/test_adding_a_fault.py", '"-m", "tests.faults.table", "-k", "gpu-memory-full"',
    ),
    "python -m harness loopback": ("tests/commands/test_loopback.py", "def test_it_prints_two_lines_serves_and_ends"),
    "lumi-wandb check --job train.py": ("tests/integrations/test_frameworks.py", '"check",\n        "--job",'),
    "lumi-wandb check": ("tests/packaging/test_wheel.py", '"check", "--replay"'),
    'lumi-wandb check --job -m package.train --job-args "--lr 1e-3"': (
        "tests/commands/test_verbs.py", '["--job", "-m", "a.b", "-q"]',
    ),
    "lumi-wandb preflight --job train.py": ("tests/commands/test_preflight.py", '["--job", "train.py", *options]'),
    "pip install 'lumi-wandb-harness[local]'": ("tests/packaging/test_wheel.py", '"-m", "pip", "install"'),
    "lumi-wandb check --run ENTITY/PROJECT/RUN_ID": ("tests/watch/test_real.py", '("--run", f"{entity}/live/alive")'),
    "lumi-wandb watch ENTITY/PROJECT/RUN_ID": ("tests/watch/test_real.py", '"watch", "--once", f"{entity}/live/alive"'),
    "lumi-wandb watch $SLURM_JOB_ID --until end --report watch-$SLURM_JOB_ID > watch-$SLURM_JOB_ID.log &": (
        "tests/slurm/test_watch.py", "$SLURM_JOB_ID --until end --report watch-$SLURM_JOB_ID > watch.log"
    ),
    "lumi-wandb watch wandb/": ("tests/watch/test_real.py", 'str(tmp_path / "wandb")'),
    "lumi-wandb watch 4242 4243": ("tests/watch/test_watcher.py", "def test_slurm_is_asked_once_for_all_jobs"),
    "lumi-wandb watch --project ENTITY/PROJECT --user": ("tests/watch/test_real.py", '"--project", f"{entity}/live"'),
    "python -m tests.loopback.operations_table": (
        "tests/loopback/test_operations.py", "def test_the_installed_sdk_asks_nothing_unknown_and_the_page_lists_it",
    ),
    "python -m tests.compat.matrix": ("tests/compat/test_matrix.py", "def test_the_page_has_the_table"),
}  # fmt: skip
"""Run by another file: where, and words of it that run the command."""
NOT_RUN = {
    "python -I -S": "how the supervisor is started, not what is typed",
    "wandb leet inspect": "the SDK's own reader, named for comparison",
    "wandb sync": "the SDK's own command; `--sync` runs it",
    "python -m lab.sdk_system_tests.run CHECKOUT PYTHON": "needs a checkout of the SDK's source",
    "module load cray-python": "modules are LUMI's",
    "module purge": "modules are LUMI's",
    "module reset": "modules are LUMI's",
    "python -m venv .venv && .venv/bin/pip install -e .": "installs from the network; the Makefile does the same",
    "export WANDB_API_KEY=…": "the key is the user's",
    "lumi-allocations": "a command of LUMI's",
    "python -m tests.slurm": "serves until it is interrupted, what the fixture `lab` of tests/slurm serves",
    ". .venv/bin/activate": "changes the shell that it is typed in",
    "make test-all": "everything, these tests among it",
    "python -m pytest tests/judging": "tests, to be run as they are",
    "python -m pytest tests/judging -k duplicate": "tests, to be run as they are",
    "python -m tests.faults.table -k dup-one-run-per-rank": "one fault of those that `make faults` injects",
    "make lowest": "installs from the network",
    "pip install -e '.[frameworks]'": "gigabytes from the network",
    "python -m pytest tests/integrations": "tests, to be run as they are",
    "pip install torch": "named as what may bring gigabytes",
    "source .venv/bin/activate": "changes the shell that it is typed in",
    'lumi-wandb watch 4242 --on-problem \'mail -s "$HARNESS_WATCH_JOB: $HARNESS_WATCH_FAULT" me@example.org <<< '
    '"$HARNESS_WATCH_TEXT"\'': "sends mail",
    "wandb verify": "another tool, named beside this one",
}
WATCH = {"--project", "--user", "--once", "--quiet", "--until", "--on-problem", "--history"}
FOREIGN = WATCH | {
    "--export",
    "--dependency",
    "--no-requeue",
    "--signal",
    "--cleanenv",
    "--env-vars",
    "--containall",
    "--store",
    "--lr",
    "--output",
    "--rootdir",
    "--junit-xml",
    "--log",
    "--test-only",
    "--markdown",
    "--strict",
}
"""Options of pytest, mypy, sbatch and of `python -m harness`."""


def test_every_command_is_run_or_has_a_reason():
    known = {**RUN, **PRINTS, **ELSEWHERE, **NOT_RUN}
    found = commands(WORDS)
    assert [c for c in found if c not in known] == [], "run them in tests/readme/test_commands.py, or say why not"
    assert [c for c in known if c not in found] == [], "no page has them any more"


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_runs_elsewhere_still_does(command):
    file, words = ELSEWHERE[command]
    assert words in (CLONE / file).read_text()


def test_every_option_that_is_named_exists():
    assert flags(WORDS) - FOREIGN <= {o.flag for o in OPTIONS}


def test_commands_are_found_in_blocks_with_and_without_prompt_and_in_the_text():
    text = "`make it`\n```\n$ pytest a  # why\nout\n```\n```sh\npip b\n```\n`wandb` `--lumi` | `X='1 2' make it` |"
    assert commands(text) == ["pytest a", "pip b", "make it", "X='1 2' make it"]


@pytest.mark.parametrize("kind", ["yaml", "python"])
def test_a_block_that_is_a_file_is_no_command(kind):
    assert commands(f"```{kind}\na: b\n```\n\n```\npip b\n```\n") == ["pip b"]


def test_an_option_that_does_not_exist_is_found():
    assert flags("`--nope-such`, a -- dash, x--y") == {"--nope-such"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A desk on which the job was verified once against the user's own server; its files are there for the rest."""
    folder, home = tmp_path_factory.mktemp("desk"), tmp_path_factory.mktemp("home")
    with LoopbackServer() as server:
        laid = lay(folder, home, server.environment(), PRELUDE + init_job())
        done = laid.run("lumi-wandb check --job train.py --server real")
        assert done.verdict, done.text
        report = next(folder.glob(".harness/*"))
        shutil.copy(report / "job.log", folder / "slurm-123.out")
        shutil.copy(report / "evidence.json", folder / "evidence.json")
        pack(report, folder / "support.zip", {})
        yield laid, done


def path_of(verdict):
    return "/".join(verdict["runs"][0][k] for k in ("entity", "project", "id"))


@pytest.mark.slow
def test_a_job_on_the_users_own_server(desk):
    _, done = desk
    assert (done.code, done.verdict["verdict"]) == (0, "passed"), done.text


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in RUN if c.startswith("pytest checks") and "--job " not in c])
def test_other_ways_into_what_ran(desk, command):
    laid, first = desk
    done = laid.run(command, **{"ENTITY/PROJECT/RUN_ID": path_of(first.verdict)})
    assert done.verdict, done.text
    assert done.verdict["root_cause"] == RUN[command], done.text
    assert (done.code, done.verdict["verdict"]) in ((0, "passed"), (10, "inconclusive")), done.text


@pytest.mark.slow
@pytest.mark.parametrize("command", PRINTS)
def test_commands_that_print(desk, command):
    report = str(next(desk[0].folder.glob(".harness/*")))
    done = desk[0].run(command, FAULT_ID="dup-one-run-per-rank", REPORT=report)
    assert done.code == 0, done.text
    assert PRINTS[command] in done.text


@pytest.fixture
def careless(tmp_path) -> Desk:
    """A desk with a script whose every rank initialises a run."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    return lay(tmp_path / "work", tmp_path / "home", {}, PRELUDE + init_job(guard="if True:"))


@pytest.mark.slow
def test_a_job_whose_every_rank_calls_init_looks_as_readme_shows_it(careless):
    command = "pytest checks --job train.py --nproc 4"
    done = careless.run(command)
    assert (done.code, done.verdict["root_cause"]) == (1, RUN[command]), done.text
    shown = next(b for b in README.split("```") if f"$ {command}" in b)
    stable = [
        line for line in shown.splitlines()[2:] if line.startswith(("expected", "cause", "verdict", "          groups"))
    ]
    assert len(stable) >= 4
    assert [line for line in stable if line not in done.text.splitlines()] == []


@pytest.mark.slow
def test_junit_tells_fault_root_cause_and_run(careless):
    done = careless.run(f"{USER} --report report --junit-xml report/junit.xml")
    suite = ET.parse(careless.folder / "report" / "junit.xml").getroot().find("testsuite")
    whole = [(p.get("name"), p.get("value")) for p in suite.find("properties")]
    runs = [r["url"] for r in done.verdict["runs"]]
    cause = "dup-one-run-per-rank"
    assert whole == [("verdict", "failed"), ("root_cause", cause), *(("run", r) for r in runs)]
    failed = [c for c in suite.iter("testcase") if c.find("failure") is not None]
    assert [c.get("name") for c in failed] == ["test_exactly_one_run"]
    own = {p.get("name"): p.get("value") for p in failed[0].find("properties")}
    assert own == {"outcome": "failed", "fault": cause}
    assert failed[0].find("failure").get("message").startswith(f"{cause}: Every rank made its own W&B run")
    assert "Let rank 0 alone have a run" in failed[0].find("failure").text
