"""What is printed mends it: cures of every kind are carried out where the fault is, and then it passes."""

import pytest

from harness.judging.cures.proven import proven
from lab.cures import BEGIN, END, PAGE, table
from tests.faults.cures import cure, off_stage
from tests.faults.scenarios import EVERY

SAMPLE = ("offline-argument", "offline-users-file", "stats-off-by-variable", "no-key")
"""One of each kind: an edit, a file of settings, the shell, and what needs somebody else; `make test` plays these."""
MENDED = (
    "disabled", "no-key-in-the-job", "stale-variable-hides-netrc", "server-without-scheme", "every-rank",
    "bad-project-name", "log-after-finish", "config-changed", "loss-renamed", "every-row-left-open",
    "require-legacy-service", "setting-unknown",
)  # fmt: skip
AGAIN = (
    "offline-variable", "offline-set-in-the-script", "offline-workspace-file", "mode-misspelt-in-the-job",
    "short-key-in-the-job", "quoted-key", "key-with-newline", "unknown-key-at-login", "netrc-for-the-cloud",
    "key-file-ends-with-a-newline", "key-and-identity-token", "https-to-a-server-without-it", "one-run-for-each-node",
    "workers-import-the-script", "entity-404", "resume-must", "steps-go-back", "stats-off-in-the-script",
    "refused-in-the-job",
)  # fmt: skip
"""Other faults of the same families."""
PARAMS = [
    *(pytest.param(name, marks=pytest.mark.sample) for name in SAMPLE), *MENDED,
    *(pytest.param(name, marks=pytest.mark.thorough) for name in AGAIN),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", PARAMS)
def test_the_first_cure_mends_it(name):
    scenario = EVERY[name]
    cured = cure(scenario, most=1)
    assert cured.causes == (scenario.expect, "passed"), cured.output
    assert cured.leaks == ()


@pytest.mark.parametrize(
    ("line", "off"),
    [
        ("conda install -y wandb", True),
        ("module load cray-python", True),
        ("python -m pip install -U wandb", False),
        ("unset WANDB_MODE", False),
    ],
)
def test_a_cure_that_reaches_beyond_its_stage_is_never_carried_out(line, off):
    assert off_stage({"commands": [line], "patch": None}) is off


def test_what_was_proven_names_faults_and_tests_that_there_are():
    named = [(fault, name) for fault, came in proven().faults.items() for name in came]
    assert [pair for pair in named if pair[1] not in EVERY or EVERY[pair[1]].expect != pair[0]] == []


def test_the_page_shows_the_table_of_what_was_proven():
    assert f"{BEGIN}\n{table(proven())}\n{END}" in PAGE.read_text(encoding="utf-8")
