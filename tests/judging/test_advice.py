"""What advice is fitted with: names of the user's own or placeholders for them, and the conditions it stands under."""

import pytest

from harness.evidence.models import Credentials, Evidence, Network, Place, Request, RunLink, SdkLogs, Setup, SlurmJob
from harness.evidence.models.wandb_log import RunFacts
from harness.judging.advice import (
    ACCOUNT_OF_THE_GROUPS,
    DEFAULT_ENTITY,
    PASTE_KEY,
    PASTE_NEW_KEY,
    applies,
    common_values,
    is_cloud,
    job_sdk_version,
)
from harness.judging.findings import QUOTED, fill, with_command
from tests.judging import build as b

OWN = "https://wandb.example.org"
SLURM = SlurmJob(job_id="4242", account="project_465000001", partition="dev-g")
LUMI = Request(target="slurm", server="real", job_kind="script", job_path="train.py", nproc=8, nodes=2)


def test_advice_names_what_is_the_users_own():
    network = b.network(entity="lab", project="vit")
    job = b.job().model_copy(update={"slurm": SLURM})
    found = b.evidence(request=LUMI, setup=b.setup(network=network), job=job)
    assert common_values(found) == {
        "base_url": "https://api.wandb.ai", "host": "api.wandb.ai", "authorize_url": "https://wandb.ai/authorize",
        "username": "me", "entity": "lab", "project": "vit", "teams": "team", "netrc": "/users/me/.netrc",
        "home": "/users/me", "script": "train.py", "cwd": "/scratch/me", "wandb_dir": "/scratch/me",
        "run_dir": "/scratch/me/wandb/run-20261123_120000-abcd1234", "sdk_version": "0.31.0",
        "python": "/usr/bin/python3", "world_size": "16", "account": "project_465000001", "partition": "dev-g",
        "slurm_job_id": "4242", "wandb": "wandb", "paste_key": PASTE_KEY, "paste_new_key": PASTE_NEW_KEY,
        "check": "pytest checks", "node_named": "my node", "scratch": "/scratch/project_465000001", "own_entity": "me",
    }  # fmt: skip


UNKNOWN = {
    "base_url": "https://api.wandb.ai", "host": "api.wandb.ai", "authorize_url": "https://wandb.ai/authorize",
    "username": "<user>", "entity": "<entity>", "project": "<project>", "teams": "<none>", "netrc": "~/.netrc",
    "home": "$HOME", "script": "your training script", "cwd": ".", "wandb_dir": ".", "run_dir": "wandb/latest-run",
    "sdk_version": "<unknown>", "python": "python", "world_size": "<ranks>", "account": "project_<number>",
    "partition": "<partition>", "slurm_job_id": "<job id>",
    "wandb": "wandb", "paste_key": PASTE_KEY, "paste_new_key": PASTE_NEW_KEY,
    "check": "pytest checks", "node_named": "my node", "scratch": f"/scratch/{ACCOUNT_OF_THE_GROUPS}",
    "own_entity": f"$(python -c '{DEFAULT_ENTITY}')",
}  # fmt: skip


@pytest.mark.parametrize(
    "found",
    [Evidence(), Evidence(setup=Setup(), job=b.job()), Evidence(job=b.job().model_copy(update={"slurm": SlurmJob()}))],
    ids=["nothing was looked at", "nothing was found", "a Slurm job that told nothing"],
)
def test_what_is_not_known_stays_open_in_advice(found):
    assert common_values(found) == UNKNOWN


@pytest.mark.parametrize(
    ("base_url", "pages"),
    [
        ("https://api.wandb.ai", "https://wandb.ai"),
        ("https://api.forge.coreweave.com", "https://wandb.ai"),
        (OWN, OWN),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://api.wandb.example.org", "https://wandb.example.org"),
        ("https://api.example.org", "https://app.example.org"),
    ],
)
def test_a_key_is_made_where_the_server_has_its_pages(base_url, pages):
    """As wandb.util.api_to_app_url() has it."""
    found = b.evidence(setup=b.setup(network=b.network(base_url=base_url)))
    assert common_values(found)["authorize_url"] == f"{pages}/authorize"


def test_netrc_names_a_server_by_its_host():
    found = b.evidence(setup=b.setup(network=b.network(base_url="http://127.0.0.1:8080")))
    assert common_values(found)["host"] == "127.0.0.1:8080"


def test_an_entity_that_nobody_asked_for_is_the_users_default():
    assert common_values(b.evidence(setup=b.setup(network=b.network(entity=None))))["entity"] == "team"


def links(*projects):
    return tuple(
        RunLink(url=f"https://wandb.ai/me/{p}/runs/a", entity="me", project=p, run_id="a", line=n)
        for n, p in enumerate(projects, 1)
    )


def logged_to(project):
    return b.local_run(log=b.log(run=RunFacts(project=project)))


@pytest.mark.parametrize(
    ("change", "project"),
    [
        ({"job": b.job(output=b.output("x", links=links("first", "second")))}, "first"),
        ({"local": b.local(logged_to(""), logged_to("on-disk"))}, "on-disk"),
        ({"local": b.local(b.local_run(log=b.log(run=None)), logged_to("on-disk"))}, "on-disk"),
        ({"local": b.local(), "job": None}, "there"),
        ({"local": b.local(), "server": b.server(), "job": None}, "<project>"),
    ],
    ids=["announced", "on disk", "on disk, beside a log without a run", "on the server", "nowhere"],
)
def test_a_project_that_nobody_asked_for_is_where_the_run_went(change, project):
    asked = b.setup(network=b.network(project=None))
    found = b.evidence(**{"setup": asked, "server": b.server(b.server_run(project="there")), **change})
    assert common_values(found)["project"] == project


@pytest.mark.parametrize(
    ("url", "base_url"),
    [
        (f"{OWN}/me/vit/runs/a", OWN),
        ("https://wandb.ai/me/vit/runs/a", "https://api.wandb.ai"),
        ("", "https://api.wandb.ai"),
    ],
    ids=["a server of one's own", "the page of the public one", "no address"],
)
def test_without_a_setup_the_server_is_that_of_the_run(url, base_url):
    assert common_values(b.evidence(setup=None, server=b.server(b.server_run(url=url))))["base_url"] == base_url


@pytest.mark.parametrize(
    ("url", "cloud"),
    [
        ("https://api.wandb.ai", True),
        ("https://wandb.ai", True),
        ("https://api.forge.coreweave.com", True),
        (OWN, False),
        ("https://mywandb.ai", False),
        ("http://127.0.0.1:8080", False),
        ("nonsense", False),
    ],
)
def test_the_public_server_is_known_by_its_host(url, cloud):
    assert is_cloud(url) is cloud


NO_LOG = b.local_run(log=b.log(sdk_version=""))


@pytest.mark.parametrize(
    ("change", "version"),
    [
        ({"local": b.local(NO_LOG, b.local_run(log=b.log(sdk_version="0.19.5")))}, "0.19.5"),
        ({"local": b.local(b.local_run(log=b.log(sdk_version=""), sdk_logs=SdkLogs(sdk_version="0.20.1")))}, "0.20.1"),
        ({"server": b.server(b.server_run(sdk_version=None), b.server_run(sdk_version="0.21.0"))}, "0.21.0"),
        ({"server": b.server(), "job": b.job(output=b.output("x", sdk_versions=("0.22.0", "0.23.0")))}, "0.22.0"),
        ({"server": b.server()}, "0.31.0"),
        ({"server": b.server(), "job": None, "setup": b.setup(python=None)}, None),
        ({"server": b.server(), "job": None, "setup": None}, None),
    ],
    ids=["its log", "its debug logs", "its run", "its output", "its interpreter", "no interpreter", "nothing"],
)
def test_the_version_of_the_sdk_that_the_job_had(change, version):
    assert job_sdk_version(b.evidence(**{"local": b.local(NO_LOG), **change})) == version


def asked(**change):
    return b.evidence(request=Request(**{"server": "real", **change}))


def set_up(**change):
    return b.evidence(setup=b.setup(**change))


FOLDER = asked(source="run_dir", target="none", server="none").model_copy(update={"setup": None})
CONDITIONS = {
    "lumi": ([asked(target="slurm"), set_up(place=Place(login_node=True))], [b.evidence(), FOLDER]),
    "local": ([b.evidence()], [asked(target="slurm"), FOLDER]),
    "slurm": ([asked(target="slurm")], [b.evidence(), set_up(place=Place(login_node=True)), FOLDER]),
    "container": ([asked(target="slurm"), set_up(place=Place(container="my.sif"))], [b.evidence(), FOLDER]),
    "loopback": ([asked(server="loopback")], [b.evidence(), FOLDER]),
    "cloud": ([b.evidence(), FOLDER], [set_up(network=Network(base_url=OWN))]),
    "self_hosted": ([set_up(network=Network(base_url=OWN))], [b.evidence(), FOLDER]),
    "offline": ([asked(offline=True)], [b.evidence()]),
    "ran": ([b.evidence()], [b.no_run()]),
    "server_in_script": ([set_up(script_names=("base_url",))], [set_up(script_names=("entity",)), FOLDER]),
    "entity_in_script": ([set_up(script_names=("entity",))], [set_up(script_names=("base_url",)), FOLDER]),
    "key_here": ([b.evidence()], [set_up(credentials=Credentials()), FOLDER]),
    "sdk<0.31.1": ([b.evidence()], []),
    "sdk < 0.31": ([], [b.evidence()]),
    "sdk<=0.31.0": ([b.evidence()], []),
    "sdk>=0.31.0": ([b.evidence()], []),
    "sdk>0.31.0": ([], [b.evidence()]),
    "not sdk>0.31.0 and local and cloud": ([b.evidence()], [asked(target="slurm")]),
}  # fmt: skip


@pytest.mark.parametrize(("condition", "held", "not_held"), [(c, *v) for c, v in CONDITIONS.items()], ids=CONDITIONS)
def test_advice_stands_under_its_condition(condition, held, not_held):
    assert [applies(condition, found) for found in held] == [True] * len(held)
    assert [applies(condition, found) for found in not_held] == [False] * len(not_held)
    opposite = f"not {condition}"
    if " and " not in condition:
        assert not any(applies(opposite, found) for found in held)


def test_advice_without_a_condition_always_stands():
    assert applies(None, Evidence())


def test_of_an_sdk_whose_version_is_not_known_no_comparison_holds():
    unknown = Evidence()
    assert not applies("sdk<9", unknown)
    assert not applies("sdk>=0", unknown)


def test_a_condition_that_names_nothing_known_is_refused():
    with pytest.raises(ValueError, match="'moon' is not known"):
        applies("moon", Evidence())


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("It is in {run_dir}:\n  wandb sync {run_dir}", "It is in /a b:\n  wandb sync '/a b'"),
        ("Run:\n  bash -c 'python {run_dir}/x'", "Run:\n  bash -c 'python '\\''/a b'\\''/x'"),
        ("Look:\n  cat {netrc}", "Look:\n  cat ~/.netrc"),
    ],
)
def test_values_in_a_command_are_quoted_for_bash(text, filled):
    assert fill(text, {"run_dir": "/a b", "netrc": "~/.netrc"}, quoted=QUOTED) == filled


def test_advice_names_the_command_that_the_user_has():
    text = "Verify:\n  pytest checks --offline; python -m harness explain x"
    assert with_command(text, "pytest checks") == text
    assert with_command(text, "lumi-wandb check") == "Verify:\n  lumi-wandb check --offline; lumi-wandb explain x"
