"""What a script gives to W&B by itself is found; what is another library's is not."""

import pytest

from harness.evidence.setup.script.names import script_mentions_key, script_names
from tests.evidence.setup.script.test_sources import write

ELSEWHERE = {
    "an address": 'base_url = "https://download.pytorch.org/models"\nwandb.init()',
    "another client": 'import openai as o\no.OpenAI(base_url="https://a.b", api_key="x", project="p")\nwandb.init()',
    "a mail server": "smtp.login(host=x)\nwandb.init()",
    "a class": "class Token:\n    entity: str\n    project: str",
    "an attribute": 'self.base_url = "https://a.b"\nwandb.init(config={"base_url": 1, "entity": 2})',
    "no value": "wandb.init(entity=None, project=None)",
    "a print": 'print("server", os.environ["WANDB_BASE_URL"])',
    "settings of another kind": "s = wandb.Settings(x_label='a')\nbase_url = 1\nwandb.init(settings=s)",
    "a login elsewhere": "hub.login(token, host)\nwandb.init()",
    "nothing": "wandb.init()",
}
OWN = [
    ('wandb.init(entity="team")', "entity"),
    ("wandb.init(project=args.project)", "project"),
    ('wandb.init("team", "p")', "entity project"),
    ('wandb.init(project="p", **config)', "entity project"),
    ('config = {"settings": {"base_url": "https://a.b"}}\nwandb.init(**config)', "entity project base_url"),
    ('wandb.init(settings={"base_url": "https://a.b"})', "base_url"),
    ('wandb.init(settings=dict(base_url="https://a.b"))', "base_url"),
    ("wandb.init(settings=wandb.Settings(base_url=args.server, entity='team'))", "entity base_url"),
    ('s = {"base_url": "https://a.b"}\nwandb.init(settings=s)', "base_url"),
    ('s = load("c.json")\nbase_url = 1\nwandb.init(settings=s)', "base_url"),
    ('s = {}\ns["base_url"] = x\ns.update(base_url=x)\nwandb.init(settings=s)', "base_url"),
    ("s = wandb.Settings()\ns.base_url = x\nwandb.init(settings=s)", "base_url"),
    ("self.settings.base_url = x", "base_url"),
    ('wandb.login(\n    host="https://a.b",\n)', "base_url"),
    ('import wandb as w\nw.init(entity="team")', "entity"),
    (
        'from wandb import init as start, Settings\nstart(settings=Settings(base_url=x), project="p")',
        "project base_url",
    ),
    ('start = wandb.init\nstart(project="p")', "project"),
    ('wandb.Api(overrides={"base_url": "https://a.b"})', "base_url"),
    ('wandb.Api({"entity": "team"})', "entity"),
    ('functools.partial(wandb.init, entity="team")()', "entity"),
    ('wb = importlib.import_module("wandb")\nwb.init(entity="team")', "entity"),
    ('loggers.WandbLogger(project="p", entity="team")', "entity project"),
    ('accelerator.init_trackers("p", init_kwargs={"wandb": {"entity": "team"}})', "entity"),
    ('wandb.agent(sweep, train, project="p")', "project"),
    ('os.environ["WANDB_BASE_URL"] = "https://a.b"', "base_url"),
    ('os.environ.update(WANDB_ENTITY="team", WANDB_PROJECT="p")', "entity project"),
    ('subprocess.run(["wandb", "login", "--host", server])', "base_url"),
]


@pytest.mark.parametrize("text", ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_is_not_meant_for_wandb_names_nothing(tmp_path, text):
    script = write(tmp_path, train_dot_py=f"import wandb, own\n{text}\n", own_dot_py=f"import os\n{text}\n")
    assert script_names(script) == ()
    assert not script_mentions_key(script)


@pytest.mark.parametrize(("text", "named"), OWN)
def test_what_the_script_names_by_itself(tmp_path, text, named):
    assert " ".join(script_names(write(tmp_path, train_dot_py=f"import os, wandb\n{text}\n"))) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("#!/bin/bash\nexport WANDB_BASE_URL=https://a.b\n", "base_url"),
        ("#!/bin/bash\nwandb login --relogin \\\n  --host https://a.b\n", "base_url"),
        ("#!/bin/bash\nsrun python -m my.train --entity team wandb.base_url=https://a.b\n", "entity base_url"),
        ("#!/bin/bash\nbase_url=https://a.b\ncurl $base_url\n", ""),
        ("import wandb\nprint 'old'\nwandb.init(config=dict(lr=1), entity='team')\n", "entity"),
        (
            "import wandb\nprint 'old'\nclass A:\n    entity = base_url = 1\nwandb.init(**x)\n",
            "entity project base_url",
        ),
        ("import wandb\nprint 'old'\nOpenAI(base_url=x)\nwandb.init()\n", ""),
    ],
)
def test_texts_that_are_no_python_are_read_with_care(tmp_path, text, named):
    assert " ".join(script_names(write(tmp_path, job=text))) == named


@pytest.mark.parametrize(
    ("call", "config", "named"),
    [
        ("wandb.init(**load('c.yaml'))", "settings:\n  base_url: https://a.b\n", "entity project base_url"),
        ("wandb.init(config=load('c.yaml'))", "base_url: https://a.b\nentity: person\n", ""),
        ("instantiate('c.yaml')", "_target_: loggers.WandbLogger\nentity: team\n", "entity"),
        ("set_environment('c.yaml')", "WANDB_BASE_URL: https://a.b\n", "base_url"),
    ],
)
def test_a_configuration_counts_where_it_may_reach_wandb(tmp_path, call, config, named):
    script = write(tmp_path, train_dot_py=f"import wandb\n{call}\n", c_dot_yaml=config)
    assert " ".join(script_names(script)) == named


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [("wandb.Api(api_key=read())", True), ("wandb.Settings(api_key=key)", True), ("Client(api_key=key)", False)],
)
def test_a_key_counts_where_it_is_given_to_wandb(tmp_path, text, mentioned):
    assert script_mentions_key(write(tmp_path, train_dot_py=f"import wandb\n{text}\n")) is mentioned


def test_no_script():
    assert script_names(None) == ()
