"""The server's address and other settings, from the environment and the files, as the SDK takes them."""

import pytest

from harness.evidence.models.setup import SdkSettings, SettingProblem
from harness.evidence.setup.job_settings import BY_INTERPRETER, read_job_settings


@pytest.mark.parametrize(
    ("version", "url"),
    [
        (None, "https://api.wandb.ai"),
        ("0.19.5", "https://api.wandb.ai"),
        ("0.30.0", "https://api.wandb.ai"),
        ("0.31.0", "https://api.forge.coreweave.com"),
        ("0.31.1rc1", "https://api.forge.coreweave.com"),
    ],
)
def test_the_usual_server_depends_on_the_sdk(tmp_path, version, url):
    assert read_job_settings({"HOME": str(tmp_path)}, tmp_path, sdk_version=version).base_url() == (url, "default")


def test_the_environment_beats_the_files(tmp_path):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb/settings").write_text("[default]\nbase_url = https://file.example/\n")
    env = {"HOME": str(tmp_path), "WANDB_BASE_URL": "https://env.example//"}
    assert read_job_settings(env, tmp_path).base_url() == ("https://env.example", "WANDB_BASE_URL")
    del env["WANDB_BASE_URL"]
    assert read_job_settings(env, tmp_path).base_url() == ("https://file.example", str(tmp_path / "wandb/settings"))


def test_a_forge_proxy_address_becomes_the_direct_one_in_newer_sdks(tmp_path):
    env = {"HOME": str(tmp_path), "WANDB_BASE_URL": "https://forge.coreweave.com/api/wandb"}
    assert read_job_settings(env, tmp_path, sdk_version="0.31.0").base_url()[0] == "https://api.forge.coreweave.com"
    assert (
        read_job_settings(env, tmp_path, sdk_version="0.30.0").base_url()[0] == "https://forge.coreweave.com/api/wandb"
    )


def test_values_come_from_the_environment_then_the_workspace_then_the_user(tmp_path):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb/settings").write_text("[default]\nentity = workspace\n")
    (tmp_path / ".config/wandb").mkdir(parents=True)
    (tmp_path / ".config/wandb/settings").write_text("[default]\nentity = user\nproject = users\n")
    env = {"HOME": str(tmp_path), "WANDB_RUN_GROUP": "g"}
    settings = read_job_settings(env, tmp_path)
    assert settings.get("entity") == "workspace"
    assert settings.get("project") == "users"
    assert settings.get("run_group") == "g"
    assert settings.get("nothing") is None
    assert read_job_settings({**env, "WANDB_ENTITY": "env"}, tmp_path).get("entity") == "env"


@pytest.mark.parametrize(("text", "on"), [("true", True), ("1", True), ("YES", True), ("false", False), ("", False)])
def test_flags_are_read_as_pydantic_does(tmp_path, text, on):
    settings = read_job_settings({"HOME": str(tmp_path), "WANDB_INSECURE_DISABLE_SSL": text}, tmp_path)
    assert settings.flag("insecure_disable_ssl") is on


def test_settings_show_no_secret(tmp_path):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb/settings").write_text("[default]\napi_key = hunter2hunter2\n")
    env = {"HOME": str(tmp_path), "WANDB_API_KEY": "hunter3hunter3"}
    assert "hunter" not in repr(read_job_settings(env, tmp_path))


@pytest.mark.parametrize(
    ("value", "root"),
    [
        (None, "{cwd}"),
        ("", "{cwd}"),
        ("runs", "{cwd}/runs"),
        ("/data/runs", "/data/runs"),
        ("~/runs", "{cwd}/home/runs"),
    ],
)
def test_the_folder_of_the_runs(tmp_path, value, root):
    env = {"HOME": str(tmp_path / "home")} | ({} if value is None else {"WANDB_DIR": value})
    assert str(read_job_settings(env, tmp_path).wandb_root()) == root.format(cwd=tmp_path)


def test_the_sdk_is_right_where_it_was_asked(tmp_path):
    env = {"HOME": str(tmp_path), "WANDB_ENTITY": "read", "WANDB_BASE_URL": "https://read.example", "WANDB_DIR": "read"}
    said = SdkSettings(mode="online", base_url="https://said.example", entity=None, project="p", root_dir="said")
    settings = read_job_settings(env, tmp_path).corrected(said, "0.30.0")
    assert (settings.get("entity"), settings.get("project")) == (None, "p")
    assert settings.base_url() == ("https://said.example", BY_INTERPRETER)
    assert settings.wandb_root() == tmp_path / "said"


def test_a_value_that_both_know_keeps_its_source(tmp_path):
    settings = read_job_settings({"HOME": str(tmp_path), "WANDB_BASE_URL": "https://a.example"}, tmp_path)
    same = settings.corrected(SdkSettings(mode="online", base_url="https://a.example"), "0.30.0")
    assert same.base_url() == ("https://a.example", "WANDB_BASE_URL")


def test_files_that_the_sdk_drops_give_no_value(tmp_path):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb/settings").write_text("[default]\nbase_url = https://file.example\nhttps_proxy = http://p:1\n")
    settings = read_job_settings({"HOME": str(tmp_path)}, tmp_path)
    assert settings.get("https_proxy") == "http://p:1"
    why = SettingProblem(setting="no_such", text="Extra inputs", where="f", outcome="files_ignored")
    said = SdkSettings(mode="online", base_url="https://api.wandb.ai", problems=(why,))
    dropped = settings.corrected(said, "0.30.0")
    assert dropped.get("https_proxy") is None
    assert dropped.base_url() == ("https://api.wandb.ai", "default")
    assert dropped.ignored.text == "Extra inputs"


def test_an_sdk_that_could_not_be_asked_changes_nothing(tmp_path):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb/settings").write_text("[default]\nmode = offlin\n")
    settings = read_job_settings({"HOME": str(tmp_path), "WANDB_ENTITY": "e"}, tmp_path)
    unasked = settings.corrected(SdkSettings(), "0.18.0")
    assert (unasked.get("entity"), unasked.ignored) == ("e", settings.ignored)
    assert settings.ignored is not None


def test_other_variables_take_the_sdks_word_away_but_for_the_server(tmp_path):
    env = {"HOME": str(tmp_path), "WANDB_BASE_URL": "https://a.example"}
    said = SdkSettings(mode="online", base_url="https://said.example", entity="said", key_length=40)
    settings = read_job_settings(env, tmp_path).corrected(said, "0.30.0")
    there = settings.in_environment({**env, "WANDB_ENTITY": "there"})
    assert (there.get("entity"), there.base_url()[0], there.sdk.key_length) == ("there", "https://said.example", None)
    assert settings.in_environment({"WANDB_BASE_URL": "https://b.example"}).base_url()[0] == "https://b.example"


def test_files_are_read_again_for_another_folder_alone(tmp_path):
    env = {"HOME": str(tmp_path)}
    (tmp_path / "job/wandb").mkdir(parents=True)
    (tmp_path / "job/wandb/settings").write_text("[default]\nentity = there\n")
    settings = read_job_settings(env, tmp_path, sdk_version="0.30.0")
    assert settings.moved(env, tmp_path).workspace is settings.workspace
    moved = settings.moved(env, tmp_path / "job")
    assert (moved.get("entity"), moved.sdk_version) == ("there", "0.30.0")
