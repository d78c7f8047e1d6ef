"""Every key source is found in the SDK's order, its problem is named, and no key leaves the module."""

import os
import pwd

import pytest

from harness.evidence.models.setup import SdkSettings
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.setup.credentials import (
    api_key_in_use,
    collect_credentials,
    fingerprint,
    key_problem,
    known_secrets,
)
from harness.evidence.setup.job_settings import BY_INTERPRETER, read_job_settings

CLOUD = "https://api.wandb.ai"
KEY = "0123456789abcdef0123456789abcdef01234567"
OTHER = "fedcba9876543210fedcba9876543210fedcba98"
NEW = "wandb_v1_" + "Ab3" * 25 + "zz"


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (KEY, ""),
        (NEW, ""),
        (f"local-{KEY}", ""),
        ("head.payload.signature", ""),
        ("x" * 40, ""),
        ("", "empty"),
        (f"{KEY}\n", "whitespace"),
        (f" {KEY}", "whitespace"),
        (" ", "whitespace"),
        (f'"{KEY}"', "quotes"),
        (f"'{KEY}", "quotes"),
        (f"{KEY[:-1]}!", "illegal_characters"),
        (f"{KEY[:20]} {KEY[20:]}", "illegal_characters"),
        (KEY[:39], "too_short"),
        ("abc", "too_short"),
        ("local-abc", "too_short"),
        ("<your_api_key>", "placeholder"),
        ("[your_api_key]", "placeholder"),
        ("YOUR_KEY", "placeholder"),
        ("your-api-key-here", "placeholder"),
        ('"<your_api_key>"', "placeholder"),
        ("xxxx", "placeholder"),
        ("...", "placeholder"),
        ("$WANDB_KEY", "placeholder"),
        ("changeme", "placeholder"),
    ],
)
def test_the_form_of_a_key_is_judged(key, problem):
    assert key_problem(key) == problem


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "cwd").mkdir()
    return tmp_path / "home"


@pytest.fixture
def look(home, tmp_path):
    """Collects with this HOME; keyword arguments are variables."""

    def _look(base_url=CLOUD, sdk_version=None, sdk=None, **env):
        env = {"HOME": str(home), "WANDB_BASE_URL": base_url, **env}
        read = read_job_settings(env, tmp_path / "cwd", sdk_version=sdk_version)
        settings = read.corrected(sdk, sdk_version) if sdk else read
        found, key = collect_credentials(settings), api_key_in_use(settings)
        shown = found.model_dump_json() + repr(found)
        assert KEY not in shown
        assert OTHER not in shown
        return found, key

    return _look


def netrc(home, *entries, name=".netrc", mode=0o600):
    path = home / name
    path.write_text("".join(f"machine {host}\n  login user\n  password {key}\n" for host, key in entries))
    path.chmod(mode)
    return path


def test_no_source_at_all(look, home):
    found, key = look()
    assert found.sources == ()
    assert found.winning is None
    assert key is None
    assert found.netrc_path == str(home / ".netrc")
    assert not found.netrc_exists
    assert found.home_exists


def test_the_environment_beats_netrc_and_the_keys_can_be_told_apart(look, home):
    netrc(home, ("api.wandb.ai", OTHER))
    found, key = look(WANDB_API_KEY=KEY)
    assert key == KEY
    assert [s.source for s in found.sources] == ["WANDB_API_KEY", "netrc"]
    assert found.winning.source == "WANDB_API_KEY"
    assert found.winning.length == 40
    assert found.sources[0].fingerprint != found.sources[1].fingerprint
    assert len(found.sources[0].fingerprint) == 8


def test_an_empty_variable_leaves_netrc_to_decide(look, home):
    netrc(home, ("api.wandb.ai", KEY))
    found, key = look(WANDB_API_KEY="")
    assert found.sources[0].problem == "empty"
    assert found.winning.source == "netrc"
    assert key == KEY


def test_a_malformed_key_in_the_environment_still_wins(look, home):
    netrc(home, ("api.wandb.ai", KEY))
    found, key = look(WANDB_API_KEY="abc123")
    assert found.winning.source == "WANDB_API_KEY"
    assert found.winning.problem == "too_short"
    assert key == "abc123"


def test_entries_for_other_hosts_are_shown_but_do_not_count(look, home):
    netrc(home, ("wandb.ai", KEY), ("github.com", OTHER))
    found, key = look()
    assert {(s.host, s.matches_server) for s in found.sources} == {("wandb.ai", False), ("github.com", False)}
    assert found.winning is None
    assert key is None


def test_the_entry_for_this_server_comes_first(look, home):
    netrc(home, ("github.com", OTHER), ("api.wandb.ai", KEY))
    found, key = look()
    assert [s.host for s in found.sources] == ["api.wandb.ai", "github.com"]
    assert key == KEY


def test_the_default_entry_serves_every_host(look, home):
    (home / ".netrc").write_text(f"default login user password {KEY}\n")
    found, key = look()
    assert found.winning.host == "default"
    assert key == KEY


@pytest.mark.parametrize(
    ("machine", "sdk_version", "matches"),
    [
        ("localhost:8080", None, True),
        ("localhost", None, False),
        ("localhost:8080", "0.31.0", True),
        ("localhost", "0.19.5", True),
        ("localhost:8080", "0.19.5", False),
        ("localhost", "0.23.0", True),
        ("localhost", "0.23.1", False),
    ],
)
def test_the_port_belongs_to_the_machine_name_since_0_23_1(look, home, machine, sdk_version, matches):
    netrc(home, (machine, KEY))
    found, key = look("http://localhost:8080", sdk_version)
    assert found.sources[0].matches_server is matches
    assert key == (KEY if matches else None)


def test_the_new_default_server_falls_back_to_the_entry_for_the_old_one(look, home):
    netrc(home, ("api.wandb.ai", KEY))
    _, key = look("https://api.forge.coreweave.com", "0.31.0")
    assert key == KEY


def test_an_entry_without_a_password_is_named(look, home):
    (home / ".netrc").write_text('machine api.wandb.ai login user password ""\n')
    found, key = look()
    assert found.sources[0].problem == "empty"
    assert found.winning is None
    assert key is None


def test_netrc_variable_moves_the_file(look, home, tmp_path):
    netrc(home, ("api.wandb.ai", OTHER))
    elsewhere = netrc(tmp_path, ("api.wandb.ai", KEY), name="keys")
    found, key = look(NETRC=str(elsewhere))
    assert key == KEY
    assert found.netrc_path == str(elsewhere)


def test_netrc_variable_expands_home(look, home):
    netrc(home, ("api.wandb.ai", KEY), name="keys")
    assert look(NETRC="~/keys")[1] == KEY


def test_the_windows_name_serves_where_the_usual_one_is_missing(look, home):
    netrc(home, ("api.wandb.ai", KEY), name="_netrc")
    found, key = look()
    assert key == KEY
    assert found.netrc_path.endswith("_netrc")


def test_a_netrc_variable_that_points_nowhere_is_trouble(look):
    found, key = look(NETRC="/nonexistent/netrc")
    assert found.sources[0].trouble.kind == "missing"
    assert not found.netrc_exists
    assert key is None


def test_a_folder_in_place_of_netrc_is_trouble(look, home):
    (home / ".netrc").mkdir()
    found, _ = look()
    assert found.sources[0].trouble.kind == "other"
    assert found.winning is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_netrc_of_someone_else_is_trouble(look, home):
    netrc(home, ("api.wandb.ai", KEY), mode=0o000)
    found, _ = look()
    assert found.sources[0].trouble.kind == "permission"


def test_a_refused_read_is_trouble_for_root_too(look, home, mocker):
    netrc(home, ("api.wandb.ai", KEY))
    mocker.patch("harness.evidence.setup.credentials.netrc.netrc", side_effect=PermissionError(13, "Permission denied"))
    found, key = look()
    assert found.sources[0].trouble.kind == "permission"
    assert found.sources[0].file_mode == "0600"
    assert key is None


def test_a_broken_netrc_never_quotes_the_key(look, home):
    (home / ".netrc").write_text(f"machine api.wandb.ai login user passwort {KEY}\n")
    found, key = look()
    assert found.sources[0].trouble.kind == "protocol"
    assert "line 1" in found.sources[0].trouble.text
    assert key is None


def test_a_binary_netrc_is_trouble(look, home):
    (home / ".netrc").write_bytes(b"\xff\xfe\x00machine\x80")
    found, _ = look()
    assert found.sources[0].trouble is not None


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640])
def test_the_permissions_of_netrc_are_told(look, home, mode):
    netrc(home, ("api.wandb.ai", KEY), mode=mode)
    assert look()[0].sources[0].file_mode == f"{mode:04o}"


def test_settings_files_come_after_netrc(look, home, tmp_path):
    (tmp_path / "cwd" / "wandb").mkdir()
    (tmp_path / "cwd" / "wandb" / "settings").write_text(f"[default]\napi_key = {OTHER}\n")
    assert look()[1] == OTHER
    netrc(home, ("api.wandb.ai", KEY))
    found, key = look()
    assert key == KEY
    assert [s.source for s in found.sources] == ["netrc", "settings"]
    assert found.sources[1].path.endswith("wandb/settings")


def test_older_sdks_take_the_settings_file_first(look, home, tmp_path):
    (tmp_path / "cwd" / "wandb").mkdir()
    (tmp_path / "cwd" / "wandb" / "settings").write_text(f"[default]\napi_key = {OTHER}\n")
    netrc(home, ("api.wandb.ai", KEY))
    assert look(sdk_version="0.19.5")[1] == OTHER


def test_some_sdks_read_no_key_from_settings_files(look, tmp_path):
    (tmp_path / "cwd" / "wandb").mkdir()
    (tmp_path / "cwd" / "wandb" / "settings").write_text(f"[default]\napi_key = {OTHER}\n")
    found, key = look(sdk_version="0.28.2")
    assert found.winning is None
    assert found.sources[0].trouble.kind == "other"
    assert key is None
    assert look(sdk_version="0.30.0")[1] == OTHER


def test_an_identity_token_is_a_source_but_no_key(look, home):
    (home / "token").write_text("head.payload.signature\n")
    found, key = look(WANDB_IDENTITY_TOKEN_FILE=str(home / "token"), WANDB_API_KEY=KEY)
    assert [s.source for s in found.sources] == ["WANDB_API_KEY", "identity_token"]
    assert found.sources[1].problem == ""
    assert found.sources[1].length == len("head.payload.signature")
    assert key == KEY


def test_a_missing_identity_token_is_trouble(look):
    found, key = look(WANDB_IDENTITY_TOKEN_FILE="/nonexistent/token")
    assert found.sources[0].trouble.kind == "missing"
    assert found.winning is None
    assert key is None


def test_a_home_that_is_not_there(tmp_path):
    gone = str(tmp_path / "gone")
    found = collect_credentials(read_job_settings({"HOME": gone}, tmp_path))
    assert not found.home_exists
    assert found.home == gone
    assert found.sources == ()


def test_an_environment_without_home_means_the_users_own(tmp_path):
    found = collect_credentials(read_job_settings({}, tmp_path))
    assert found.home == pwd.getpwuid(os.getuid()).pw_dir


@pytest.mark.parametrize("base_url", ["", "http://[", "not a url", "http://host:notaport"])
def test_a_server_address_that_is_none_matches_nothing(look, home, base_url):
    netrc(home, ("api.wandb.ai", KEY))
    found, key = look(base_url)
    assert not found.sources[0].matches_server
    assert key is None


def said(key=None, length=None):
    """The SDK's word on the key that it sends."""
    return SdkSettings(mode="online", key_length=len(key or "") if length is None else length,
                       key_fingerprint=fingerprint(key) if key else None)  # fmt: skip


def test_the_key_that_the_sdk_sends_comes_first(look, home):
    (home / ".netrc").write_text(f"machine api.wandb.ai login user password {OTHER}\n")
    found, key = look(WANDB_API_KEY=KEY, sdk=said(OTHER))
    assert (found.winning.source, key) == ("netrc", OTHER)
    assert [s.source for s in found.sources] == ["netrc", "WANDB_API_KEY"]


def test_a_key_that_only_the_sdk_has_is_not_mistaken_for_one_from_here(look):
    found, key = look(WANDB_API_KEY=KEY, sdk=said(OTHER))
    assert (found.winning.source, found.winning.length, key) == (BY_INTERPRETER, 40, None)


def test_an_sdk_that_finds_no_key_is_believed(look):
    found, key = look(WANDB_API_KEY=KEY, sdk=said())
    assert (found.winning, key) == (None, None)
    assert found.sources[0].trouble.text == "the SDK takes no key from here"


def test_a_key_that_the_sdk_refuses_keeps_its_problem(look):
    found, _ = look(WANDB_API_KEY="abc", sdk=SdkSettings(mode="online"))
    assert found.winning.problem == "too_short"


def test_the_sdks_word_is_of_its_own_server_alone(home, tmp_path):
    (home / ".netrc").write_text(f"machine other.example login user password {OTHER}\n")
    settings = read_job_settings({"HOME": str(home)}, tmp_path).corrected(said(KEY), None)
    assert api_key_in_use(settings) is None
    assert api_key_in_use(settings, "https://other.example") == OTHER


def test_every_secret_of_an_environment_is_known(tmp_path):
    (tmp_path / ".netrc").write_text("machine other.example login me password netrc-secret-9\n")
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "settings").write_text("[default]\napi_key = settings-secret-9\n")
    (tmp_path / "token").write_text("identity-secret-9\n")
    env = {
        "HOME": str(tmp_path),
        "WANDB_API_KEY": "env-secret-9",
        "WANDB_IDENTITY_TOKEN_FILE": "token",
        "SINGULARITYENV_WANDB_API_KEY": "container-secret-9",
        "HF_TOKEN": "hf-secret-9",
        "HTTPS_PROXY": "http://me:proxy%2Dsecret-9@proxy:3128",
        "HOMEPAGE": "harmless-value",
    }
    redactor = Redactor(known_secrets(read_job_settings(env, tmp_path)))
    text = (
        "env-secret-9 netrc-secret-9 settings-secret-9 identity-secret-9 container-secret-9 hf-secret-9 proxy-secret-9"
    )
    assert redactor.text(text) == " ".join(["[redacted]"] * 7)
    assert redactor.text("harmless-value") == "harmless-value"


def test_placeholders_are_no_secrets(tmp_path):
    env = {"HOME": str(tmp_path), "WANDB_API_KEY": "<your_api_key>"}
    assert known_secrets(read_job_settings(env, tmp_path)) == set()
