"""Options, environment and ini become one settings object; wrong values are refused in one sentence."""

import re

import pytest

from harness.settings.model import EPOCHS, SettingsError
from harness.settings.options import OPTIONS
from harness.settings.resolve import resolve
from harness.settings.site import Site


@pytest.fixture
def ask(tmp_path):
    (tmp_path / "train.py").touch()
    (tmp_path / "train.sh").write_text("#!/bin/bash\n#SBATCH --nodes=1\n")
    (tmp_path / "wandb").mkdir()
    (tmp_path / "evidence.json").touch()

    def ask(environment=None, ini=None, **options):
        given = {f"harness_{name}": value for name, value in options.items()}
        return resolve(given, environment or {}, lambda name: (ini or {}).get(name, ""), tmp_path)

    return ask


def test_the_default_is_a_local_job_against_the_loopback_backend(ask):
    settings = ask()
    assert (settings.target, settings.source, settings.server) == ("local", "job", "loopback")
    assert (settings.nproc, settings.expect, settings.expect_points) == (2, ("loss", "acc"), EPOCHS)


def test_what_was_given_on_the_command_line_alone_is_said_of_a_job(ask):
    settings = ask({"HARNESS_WANDB_OFFLINE": "1"}, {"lumi_nodes": "4"}, lumi_attach="123", wandb_nproc="5")
    assert settings.given == {"--lumi-attach": "123", "--nproc": "5"}
    assert settings.expect_points == 2


def test_the_command_line_wins_over_the_environment_which_wins_over_the_ini_file(ask):
    environment, ini = {"HARNESS_WANDB_NPROC": "3"}, {"wandb_nproc": "4", "lumi_partition": "small-g"}
    assert ask(environment, ini, wandb_nproc="5").nproc == 5
    assert ask(environment, ini).nproc == 3
    assert ask({}, ini).nproc == 4
    assert ask({}, ini).slurm.partition == "small-g"


@pytest.mark.parametrize(
    ("options", "target", "source", "server"),
    [
        ({"lumi": True}, "slurm", "job", "real"),
        ({"lumi_attach": "123"}, "slurm", "job", "real"),
        ({"wandb_job": "train.py"}, "local", "job", "loopback"),
        ({"wandb_job": "train.py", "wandb_server": "real"}, "local", "job", "real"),
        ({"wandb_job": "train.sh", "lumi": True}, "slurm", "job", "real"),
        ({"wandb_run": "a/b/c"}, "none", "run", "real"),
        ({"wandb_run": "a/b/c", "wandb_job_log": "train.sh"}, "none", "run", "real"),
        ({"wandb_run_dir": "wandb"}, "none", "run_dir", "none"),
        ({"wandb_job_log": "train.sh"}, "none", "job_log", "none"),
        ({"wandb_replay": "evidence.json"}, "none", "replay", "none"),
    ],
)
def test_what_is_asked_decides_target_source_and_server(ask, options, target, source, server):
    settings = ask(**options)
    assert (settings.target, settings.source, settings.server) == (target, source, server)


@pytest.mark.parametrize(
    ("text", "run", "host"),
    [
        ("me/proj/abc123", ("me", "proj", "abc123"), None),
        ("me/proj/runs/abc123", ("me", "proj", "abc123"), None),
        ("https://wandb.ai/me/proj/runs/abc123", ("me", "proj", "abc123"), "https://api.wandb.ai"),
        ("https://wandb.ai/me/proj/runs/abc123/overview?nw=1", ("me", "proj", "abc123"), "https://api.wandb.ai"),
        ("https://forge.coreweave.com/wandb/me/p/runs/abc", ("me", "p", "abc"), "https://api.forge.coreweave.com"),
        ("https://app.x.org/me/proj/runs/abc", ("me", "proj", "abc"), "https://api.x.org"),
        ("https://someone:secret@x.org/me/proj/runs/abc", ("me", "proj", "abc"), "https://x.org"),
        ("https://x.org/wandb/me/my%20proj/runs/abc", ("me", "my proj", "abc"), "https://x.org/wandb"),
    ],
)
def test_a_run_is_named_by_path_or_url(ask, text, run, host):
    settings = ask(wandb_run=text)
    assert (settings.run, settings.run_server) == (run, host)


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        ({"wandb_nproc": ""}, "--nproc"),
        ({"lumi_attach": ""}, "--lumi-attach"),
        ({"lumi_time": "0:00"}, "--lumi-time"),
        ({"wandb_nproc": "0"}, "--nproc"),
        ({"wandb_nproc": "two"}, "--nproc"),
        ({"wandb_nproc": "9999"}, "--nproc"),
        ({"wandb_expect_points": "-1"}, "--expect-points"),
        ({"wandb_expect": " , "}, "--expect"),
        ({"wandb_job": "missing.py"}, "--job"),
        ({"wandb_job": "."}, "--job"),
        ({"wandb_job": "train.sh"}, "--lumi"),
        ({"wandb_server": "cloud"}, "--server"),
        ({"wandb_server": "loopback", "lumi": True}, "--server"),
        ({"wandb_sync": True}, "--offline"),
        ({"wandb_run": "a/b"}, "--run"),
        ({"wandb_run": "a/b/c\x1b[31m"}, "--run"),
        ({"wandb_run": "a/b/c", "wandb_run_dir": "wandb"}, "--run-dir"),
        ({"wandb_run": "a/b/c", "lumi": True}, "--lumi"),
        ({"wandb_run_dir": "nowhere"}, "--run-dir"),
        ({"wandb_run_dir": "train.py"}, "--run-dir"),
        ({"wandb_job_log": "nowhere"}, "--job-log"),
        ({"wandb_job_log": "nowhere*.out"}, "--job-log"),
        ({"wandb_replay": "nowhere"}, "--replay"),
        ({"lumi": True, "lumi_gpus": "9"}, "--lumi-gpus"),
        ({"lumi": True, "lumi_time": "soon"}, "--lumi-time"),
        ({"lumi": True, "lumi_account": "a b;rm"}, "--lumi-account"),
        ({"lumi": True, "lumi_launcher": "mpirun"}, "--lumi-launcher"),
        ({"lumi_attach": "last"}, "--lumi-attach"),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence_that_names_the_option(ask, options, flag):
    with pytest.raises(SettingsError) as refusal:
        ask(**options)
    text = str(refusal.value)
    assert flag in text
    assert "\n" not in text
    assert text.endswith(".")


def site_file(tmp_path, text):
    (tmp_path / "site.yaml").write_text(text, encoding="latin-1")
    return "site.yaml"


def test_without_a_site_file_the_site_is_lumi(ask):
    assert (ask().slurm.partition, ask().slurm.gpus) == (Site().partition, Site().gpus_per_node) == ("dev-g", 8)


def test_partition_and_gpus_are_the_sites_unless_others_are_asked_for(ask, tmp_path):
    site = site_file(tmp_path, "partition: gpu-a\ngpus_per_node: 16\n")
    usual = ask(lumi=True, lumi_site=site).slurm
    asked = ask(lumi=True, lumi_site=site, lumi_partition="gpu-b", lumi_gpus="9").slurm
    assert (usual.partition, usual.gpus, asked.partition, asked.gpus) == ("gpu-a", 16, "gpu-b", 9)
    with pytest.raises(SettingsError, match="--lumi-gpus: '8' is not a whole number of at least 1 and at most 4"):
        ask(lumi=True, lumi_site=site_file(tmp_path, "gpus_per_node: 4"), lumi_gpus="8")


@pytest.mark.parametrize(
    "text", ["gpus_per_node: 0", "partition: a b", "gpus: 4", "a: [", "7", "name: é", "name: 2026-13-45", "[" * 600]
)
def test_a_site_file_that_cannot_be_used_is_refused_in_one_sentence(ask, tmp_path, text):
    with pytest.raises(SettingsError, match=r"^--lumi-site: [^\n]*\.$"):
        ask(lumi=True, lumi_site=site_file(tmp_path, text))


@pytest.mark.parametrize(
    ("option", "flag"),
    [
        ("wandb_job", "--job"),
        ("wandb_job_log", "--job-log"),
        ("wandb_run_dir", "--run-dir"),
        ("wandb_replay", "--replay"),
        ("wandb_report", "--report"),
        ("lumi_container", "--lumi-container"),
        ("lumi_site", "--lumi-site"),
    ],
)
@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", "~nobody-of-that-name/x*"])
def test_a_home_that_is_not_known_is_refused_like_any_other_wrong_path(ask, option, flag, path):
    with pytest.raises(SettingsError, match=f"^{flag}: {re.escape(path)} begins with a home folder"):
        ask(**{option: path})


def test_a_home_is_found_in_every_path(ask, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = ask(wandb_job_log="~/train.*", wandb_report="~/report", lumi_container="~/i.sif")
    assert [path.name for path in settings.job_logs] == ["train.py", "train.sh"]
    assert (settings.report, settings.slurm.container) == (tmp_path / "report", tmp_path / "i.sif")


def test_a_switch_in_the_environment_is_true_or_false(ask):
    assert ask({"HARNESS_LUMI": "yes"}).target == "slurm"
    assert ask({"HARNESS_LUMI": "0"}).target == "local"
    with pytest.raises(SettingsError, match="HARNESS_LUMI"):
        ask({"HARNESS_LUMI": "maybe"})


def test_every_option_has_its_own_twins():
    assert len({o.flag for o in OPTIONS}) == len({o.ini for o in OPTIONS}) == len(OPTIONS)
    assert all(o.ini.startswith(("lumi", "wandb_")) for o in OPTIONS)


def test_a_pattern_means_the_files_of_one_job(ask, tmp_path):
    for name in ("slurm-7-0.out", "slurm-7-1.out", "slurm-70.txt", "odd[1].out"):
        (tmp_path / name).touch()
    assert [p.name for p in ask(wandb_job_log="slurm-7-*.out").job_logs] == ["slurm-7-0.out", "slurm-7-1.out"]
    assert [p.name for p in ask(wandb_job_log="odd[1].out").job_logs] == ["odd[1].out"]
    with pytest.raises(SettingsError, match="2 jobs"):
        ask(wandb_job_log="slurm-7*")
