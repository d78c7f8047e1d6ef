"""The mode's sources in the order in which the SDK obeys them, and what a job script says by itself."""

import textwrap

import pytest

from harness.evidence.models.setup import SdkSettings, SettingProblem
from harness.evidence.setup.job_settings import read_job_settings
from harness.evidence.setup.mode import collect_mode, script_mentions_key

NOT_ASKED = SdkSettings()


@pytest.fixture
def place(tmp_path):
    for name in ("home/.config/wandb", "cwd/wandb"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def look(place):
    """Collects the mode; files and script as text, keyword arguments are variables."""

    def _look(workspace=None, system=None, script=None, name="train.py", sdk=NOT_ASKED, **env):
        if workspace is not None:
            (place / "cwd/wandb/settings").write_text(f"[default]\n{workspace}\n")
        if system is not None:
            (place / "home/.config/wandb/settings").write_text(f"[default]\n{system}\n")
        path = None
        if script is not None:
            path = place / name
            path.write_text(textwrap.dedent(script))
        settings = read_job_settings({"HOME": str(place / "home"), **env}, place / "cwd")
        return collect_mode(settings.corrected(sdk, None), path)

    return _look


def test_nothing_said_means_online(look):
    mode = look()
    assert mode.sources == ()
    assert (mode.winning.source, mode.winning.value) == ("default", "online")
    assert not mode.script_decides


def test_all_sources_in_order(look):
    mode = look("mode = offline", "mode = dryrun", 'import wandb\nwandb.init(mode="disabled")', WANDB_MODE="online")
    assert [(s.source, s.value) for s in mode.sources] == [
        ("script", "disabled"),
        ("environment", "online"),
        ("workspace_settings", "offline"),
        ("system_settings", "dryrun"),
    ]
    assert mode.script_decides


@pytest.mark.parametrize("value", ["offline", "disabled", "dryrun", "run", "shared", "onlin", "ONLINE", ""])
def test_the_variable_is_told_as_it_is(look, value):
    mode = look("mode = offline", WANDB_MODE=value)
    assert (mode.winning.source, mode.winning.value) == ("environment", value)


def test_the_workspace_file_is_found_in_the_current_folder(look, place):
    mode = look("mode = offline")
    assert mode.winning.source == "workspace_settings"
    assert mode.winning.path == str(place / "cwd/wandb/settings")


def test_a_hidden_folder_takes_the_place_of_wandb(look, place):
    (place / "cwd/.wandb").mkdir()
    (place / "cwd/.wandb/settings").write_text("[default]\nmode = disabled\n")
    assert look("mode = offline").winning.value == "disabled"


def test_wandb_dir_does_not_move_the_workspace_file(look, place):
    (place / "runs/wandb").mkdir(parents=True)
    (place / "runs/wandb/settings").write_text("[default]\nmode = disabled\n")
    assert look(WANDB_DIR=str(place / "runs")).sources == ()
    assert look("mode = offline", WANDB_DIR=str(place / "runs")).winning.value == "offline"


def test_config_dir_moves_the_system_file(look, place):
    (place / "config").mkdir()
    (place / "config/settings").write_text("[default]\nmode = disabled\n")
    mode = look(system="mode = offline", WANDB_CONFIG_DIR=str(place / "config"))
    assert (mode.winning.source, mode.winning.value) == ("system_settings", "disabled")


def test_a_bad_value_drops_both_files(look, place):
    mode = look("mode = offlin", "mode = offline")
    assert mode.sources == ()
    assert mode.winning.value == "online"
    assert "offlin" in mode.file_troubles[0].text
    assert mode.file_troubles[0].where == str(place / "cwd/wandb/settings")


UNKNOWN_KEY = SettingProblem(setting="x", text="Extra inputs are not permitted", where="f", outcome="files_ignored")


def test_files_that_the_sdk_drops_set_no_mode(look):
    sdk = SdkSettings(mode="online", problems=(UNKNOWN_KEY,))
    mode = look("mode = offline\nx = 1", sdk=sdk)
    assert (mode.sources, mode.winning.value) == ((), "online")
    assert [t.text for t in mode.file_troubles] == ["Extra inputs are not permitted"]
    assert (
        look("mode = offline\nx = 1", sdk=sdk, script='import wandb; wandb.init(mode="disabled")').winning.value
        == "disabled"
    )


def test_the_source_that_the_sdk_obeys_decides(look):
    mode = look("mode = disabled", "mode = offline", sdk=SdkSettings(mode="offline"))
    assert [(s.source, s.value) for s in mode.sources] == [("system_settings", "offline")]


def test_a_mode_that_only_the_interpreter_knows(look):
    mode = look(sdk=SdkSettings(mode="offline"))
    assert (mode.winning.source, mode.winning.value) == ("interpreter", "offline")
    assert look(sdk=SdkSettings(mode="online"), WANDB_MODE="offline").winning.value == "online"


def test_a_bad_server_address_drops_the_mode_beside_it(look):
    assert look("mode = offline\nbase_url = wandb.ai").sources == ()


@pytest.mark.parametrize(
    "text", ["mode = offline\n", "[default\nmode = x", "[default]\nmode = %(x)s\n", "[default]\nx\n"]
)
def test_a_file_that_is_no_settings_file_is_trouble(look, place, text):
    (place / "cwd/wandb/settings").write_text(text)
    mode = look()
    assert mode.sources == ()
    assert [t.kind for t in mode.file_troubles] == ["protocol"]


def test_a_file_without_the_section_says_nothing(look, place):
    (place / "cwd/wandb/settings").write_text("[other]\nmode = offline\n")
    mode = look()
    assert mode.sources == ()
    assert mode.file_troubles == ()


def test_a_folder_or_a_binary_in_place_of_the_file_is_trouble(look, place):
    (place / "cwd/wandb/settings").mkdir()
    (place / "home/.config/wandb/settings").write_bytes(b"\xff\xfe\x80")
    assert {t.kind for t in look().file_troubles} == {"other", "protocol"}


@pytest.mark.parametrize(
    ("script", "literal"),
    [
        ('import wandb\nwandb.init(project="p", mode="offline")', "offline"),
        ('import wandb as wb\nwb.init(mode="disabled")', "disabled"),
        ("import wandb\nif rank == 0:\n    wandb.init(mode='offline')", "offline"),
        ('import wandb\nwandb.init(settings=wandb.Settings(mode="offline"))', "offline"),
        ('from wandb import Settings\nimport wandb\nwandb.init(settings=Settings(mode="offline"))', "offline"),
        ('import os\nos.environ["WANDB_MODE"] = "offline"\nimport wandb\nwandb.init()', "offline"),
        ('import os\nif __name__ == "__main__":\n    os.environ["WANDB_MODE"] = "offline"', "offline"),
        # Whatever stands outside, the argument wins: also for online.
        ('import wandb\nwandb.init(mode="online")', "online"),
        # Not beyond doubt:
        ("import wandb\nwandb.init(mode=args.mode)", None),
        ('import wandb\nwandb.init(mode="offline" if debug else "online")', None),
        ('import wandb\nif rank:\n    wandb.init(mode="disabled")\nelse:\n    wandb.init(project="p")', None),
        ('import wandb\nwandb.init(mode="online")\nwandb.init(mode="disabled")', None),
        ('import os\nif args.offline:\n    os.environ["WANDB_MODE"] = "offline"', None),
        ('import os\nos.environ.setdefault("WANDB_MODE", "offline")', None),
        ('import wandb\nsettings = wandb.Settings(mode="offline")\nwandb.init(settings=settings)', None),
    ],
)
def test_a_python_script_decides(look, script, literal):
    mode = look(script=script, WANDB_MODE="dryrun")
    assert mode.script_decides
    script_source = next((s for s in mode.sources if s.source == "script"), None)
    assert (script_source.value if script_source else None) == literal
    assert mode.winning.source == ("script" if literal else "environment")


@pytest.mark.parametrize(
    "script",
    [
        "import wandb\nwandb.init(project='p')",
        "import wandb\nwandb.init(mode=None)",
        "open('x', mode='w')",
        "parser.add_argument('--mode', default='train')\nmodel.run(mode='offline')",
        "# wandb.init(mode='offline')\nimport wandb",
        "'''WANDB_MODE'''",
        "",
    ],
)
def test_a_python_script_that_says_nothing(look, script):
    mode = look(script=script)
    assert not mode.script_decides
    assert mode.sources == ()


@pytest.mark.parametrize(
    ("line", "literal"),
    [
        ("export WANDB_MODE=offline", "offline"),
        ('export WANDB_MODE="offline"; export X=1', "offline"),
        ("WANDB_MODE=disabled srun python train.py", "disabled"),
        ("#SBATCH --export=ALL,WANDB_MODE=offline", "offline"),
        ("singularity exec --env WANDB_MODE=offline,X=1 img.sif python train.py", "offline"),
        ("export WANDB_MODE=$MODE", None),
        ("export WANDB_MODE=${MODE:-offline}", None),
        ("if [ -z $X ]; then\n  export WANDB_MODE=offline\nfi", None),
        ("if true; then :; fi\nexport WANDB_MODE=offline", "offline"),
        ("export WANDB_MODE=offline\nexport WANDB_MODE=online", None),
        ("wandb offline", None),
    ],
)
def test_a_batch_script_decides(look, line, literal):
    mode = look(script=f"#!/bin/bash\n#SBATCH -p dev-g\n{line}\nsrun python train.py --mode=train\n", name="job.sh")
    assert mode.script_decides
    assert (mode.sources[0].value if mode.sources else None) == literal


def test_comments_in_a_batch_script_say_nothing(look):
    mode = look(script="#!/bin/bash\n# export WANDB_MODE=offline\nsrun python train.py --mode=train\n", name="job.sh")
    assert not mode.script_decides
    assert mode.sources == ()


@pytest.mark.parametrize("content", [b"\x00\xff\x80 WANDB_MODE", b"def (:\n mode=", b"(" * 5000 + b"mode=1"])
def test_a_script_that_cannot_be_parsed_is_read_as_text(place, content):
    (place / "x.py").write_bytes(content)
    assert collect_mode(read_job_settings({"HOME": str(place)}, place), place / "x.py").sources == ()


def test_a_script_that_is_not_there(place):
    mode = collect_mode(read_job_settings({"HOME": str(place)}, place), place / "nowhere.py")
    assert not mode.script_decides
    assert not script_mentions_key(place / "nowhere.py")
    assert not script_mentions_key(None)


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("wandb.login()", True),
        ("wandb.login(key=KEY)", True),
        ("from wandb import login, init", True),
        ("export WANDB_API_KEY=$(cat ~/.key)", True),
        ("os.environ['WANDB_API_KEY'] = key", True),
        ("wandb login --relogin $KEY", True),
        ("wandb.Api(api_key=x)", True),
        ("export NETRC=/scratch/netrc", True),
        ("import wandb\nwandb.init(project='p')", False),
        ("# wandb.login()", False),
        ("sorted(x, key=len)", False),
        ("", False),
    ],
)
def test_a_script_that_sets_a_key(place, text, mentions):
    (place / "train.py").write_text(text)
    assert script_mentions_key(place / "train.py") is mentions
