"""The server's address and other settings, from the environment and the files, as the SDK takes them."""

import pytest

from harness.evidence.network.probe import base_url_problem, resolve_base_url
from harness.evidence.setup.sdk_settings import expand_user, home_folder, read_sdk_settings, split_url, version_tuple


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://api.wandb.ai", None),
        ("http://127.0.0.1:8080/prefix/", None),
        ("https://wandb.example.org", None),
        ("https://wandb.ai", "did you mean https://api.wandb.ai?"),
        ("https://app.wandb.ai/", "did you mean https://api.wandb.ai?"),
        ("http://api.wandb.ai", "http is not secure"),
        ("api.wandb.ai", "relative URL without a base"),
        ("localhost:8080", "URL scheme should be 'http' or 'https'"),
        ("", "input is empty"),
        ("https://api.wandb.ai ", "strict URL syntax"),
        ("http://host:99999", "invalid port"),
    ],
)
def test_the_sdk_refuses_some_addresses(url, words):
    problem = base_url_problem(url)
    if words is None:
        assert problem is None
    else:
        assert words in problem


def test_the_suggestion_follows_the_sdk():
    assert "https://api.forge.coreweave.com" in base_url_problem("https://wandb.ai", "0.31.0")
    assert "https://api.wandb.ai" in base_url_problem("https://wandb.ai", "0.30.0")


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
    assert resolve_base_url({"HOME": str(tmp_path)}, tmp_path, sdk_version=version) == (url, "default")


def test_the_environment_beats_the_files(tmp_path):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb/settings").write_text("[default]\nbase_url = https://file.example/\n")
    env = {"HOME": str(tmp_path), "WANDB_BASE_URL": "https://env.example//"}
    assert resolve_base_url(env, tmp_path) == ("https://env.example", "WANDB_BASE_URL")
    del env["WANDB_BASE_URL"]
    assert resolve_base_url(env, tmp_path) == ("https://file.example", str(tmp_path / "wandb/settings"))


def test_a_forge_proxy_address_becomes_the_direct_one_in_newer_sdks(tmp_path):
    env = {"HOME": str(tmp_path), "WANDB_BASE_URL": "https://forge.coreweave.com/api/wandb"}
    assert resolve_base_url(env, tmp_path, sdk_version="0.31.0")[0] == "https://api.forge.coreweave.com"
    assert resolve_base_url(env, tmp_path, sdk_version="0.30.0")[0] == "https://forge.coreweave.com/api/wandb"


def test_values_come_from_the_environment_then_the_workspace_then_the_user(tmp_path):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb/settings").write_text("[default]\nentity = workspace\n")
    (tmp_path / ".config/wandb").mkdir(parents=True)
    (tmp_path / ".config/wandb/settings").write_text("[default]\nentity = user\nproject = users\n")
    env = {"HOME": str(tmp_path), "WANDB_RUN_GROUP": "g"}
    settings = read_sdk_settings(env, tmp_path)
    assert settings.get("entity") == "workspace"
    assert settings.get("project") == "users"
    assert settings.get("run_group") == "g"
    assert settings.get("nothing") is None
    assert read_sdk_settings({**env, "WANDB_ENTITY": "env"}, tmp_path).get("entity") == "env"


@pytest.mark.parametrize(("text", "on"), [("true", True), ("1", True), ("YES", True), ("false", False), ("", False)])
def test_flags_are_read_as_pydantic_does(tmp_path, text, on):
    settings = read_sdk_settings({"HOME": str(tmp_path), "WANDB_INSECURE_DISABLE_SSL": text}, tmp_path)
    assert settings.flag("insecure_disable_ssl") is on


def test_settings_show_no_secret(tmp_path):
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb/settings").write_text("[default]\napi_key = hunter2hunter2\n")
    env = {"HOME": str(tmp_path), "WANDB_API_KEY": "hunter3hunter3"}
    assert "hunter" not in repr(read_sdk_settings(env, tmp_path))


@pytest.mark.parametrize(
    ("env", "path", "expanded"),
    [
        ({"HOME": "/h"}, "~/x", "/h/x"),
        ({"HOME": "/h/"}, "~", "/h"),
        ({"HOME": ""}, "~/x", "/x"),
        ({"HOME": "/h"}, "/abs", "/abs"),
        ({"HOME": "/h"}, "rel/~", "rel/~"),
    ],
)
def test_home_is_expanded_with_the_jobs_environment(env, path, expanded):
    assert expand_user(path, env) == expanded


def test_home_without_an_account(mocker):
    mocker.patch("harness.evidence.setup.sdk_settings.pwd.getpwuid", side_effect=KeyError("uid"))
    assert home_folder({}) == "~"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0.31.0", (0, 31, 0)),
        ("0.28.3.dev1", (0, 28, 3)),
        ("0.26.0rc2", (0, 26, 0)),
        (None, (0, 31, 0)),
        ("x", (0, 31, 0)),
    ],
)
def test_versions_are_compared_by_their_numbers(text, numbers):
    assert version_tuple(text) == numbers


@pytest.mark.parametrize("url", ["http://[", "http://h:port/", "http://h:99999/"])
def test_an_address_that_cannot_be_split_has_no_parts(url):
    assert split_url(url).netloc == ""
