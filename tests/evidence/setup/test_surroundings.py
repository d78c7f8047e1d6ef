"""Where the harness stands: variables without secrets, the folder of the runs, login nodes and containers."""

import errno
import os
import shutil
import subprocess
import sys

import pytest

from harness.evidence.redaction.redactor import Redactor
from harness.evidence.setup import surroundings as module
from harness.evidence.setup.job_settings import read_job_settings
from harness.evidence.setup.surroundings import LOGIN_NODE, collect_place, filesystem_of, shown_variables

KEY = "0123456789abcdef0123456789abcdef01234567"


def look(env, cwd):
    return collect_place(read_job_settings(env, cwd), Redactor())


def test_a_plain_place(tmp_path):
    place = look({"HOME": str(tmp_path)}, tmp_path)
    assert place.cwd == str(tmp_path)
    assert place.wandb_dir == str(tmp_path)
    assert place.wandb_dir_writable
    assert place.wandb_dir_free_bytes > 0
    assert place.container is None
    assert place.trouble is None
    assert not place.login_node
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "login"),
    [
        ("uan01", True),
        ("uan04.lumi.csc.fi", True),
        ("lumi-uan02.csc.fi", True),
        ("nid005001", False),
        ("nid007954.lumi.csc.fi", False),
        ("laptop", False),
        ("uanxy", False),
        ("juan01", False),
    ],
)
def test_login_nodes_are_known_by_name(host, login, tmp_path, mocker):
    mocker.patch.object(module.socket, "gethostname", return_value=host)
    assert bool(LOGIN_NODE.match(host)) is login
    place = look({}, tmp_path)
    assert (place.host, place.login_node) == (host, login)


@pytest.mark.parametrize("variable", ["SINGULARITY_CONTAINER", "APPTAINER_CONTAINER"])
def test_a_container_names_itself(tmp_path, variable):
    assert look({variable: "/images/full.sif"}, tmp_path).container == "/images/full.sif"


def test_variables_that_matter_are_kept_and_secrets_are_not(tmp_path):
    env = {
        "HOME": str(tmp_path),
        "WANDB_API_KEY": KEY,
        "WANDB_MODE": "offline",
        "WANDB_NOTES": f"my key is {KEY}",
        "WANDB_IDENTITY_TOKEN_FILE": "/token",
        "WANDB_X_EXTRA_HTTP_HEADERS": '{"X": "y"}',
        "SINGULARITYENV_WANDB_API_KEY": "abc",
        "SLURM_JOB_ID": "42",
        "SLURM_JWT": "eyJ",
        "https_proxy": "http://me:hunter2hunter2@proxy:3128",
        "REQUESTS_CA_BUNDLE": "/ca.pem",
        "ROCR_VISIBLE_DEVICES": "0,1",
        "DATABASE_PASSWORD": "unrelated",
        "EDITOR": "vi",
        "WANDB_NAME": "evil\x1b[2Jname",
        "WANDB_EMPTY_KEY": "",
    }
    shown = shown_variables(env, Redactor())
    assert shown == {
        "HOME": str(tmp_path),
        "WANDB_API_KEY": "[redacted]",
        "WANDB_MODE": "offline",
        "WANDB_NOTES": "my key is [redacted]",
        "WANDB_IDENTITY_TOKEN_FILE": "/token",
        "WANDB_X_EXTRA_HTTP_HEADERS": "[redacted]",
        "SINGULARITYENV_WANDB_API_KEY": "[redacted]",
        "SLURM_JOB_ID": "42",
        "SLURM_JWT": "[redacted]",
        "https_proxy": "http://[redacted]@proxy:3128",
        "REQUESTS_CA_BUNDLE": "/ca.pem",
        "ROCR_VISIBLE_DEVICES": "0,1",
        "WANDB_NAME": "evilname",
        "WANDB_EMPTY_KEY": "",
    }


def test_a_huge_environment_is_bounded(tmp_path):
    env = {f"SLURM_X{i}": "v" * 10_000 for i in range(2000)}
    shown = shown_variables(env, Redactor())
    assert len(shown) == 500
    assert max(map(len, shown.values())) == 2000


def test_a_folder_that_is_still_to_be_made_is_judged_by_its_parent(tmp_path):
    place = look({"WANDB_DIR": "a/b/c"}, tmp_path)
    assert place.wandb_dir == str(tmp_path / "a/b/c")
    assert place.wandb_dir_writable
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/proc/nope", "/sys/kernel"])
def test_a_folder_where_nothing_can_be_written(path, tmp_path):
    place = look({"WANDB_DIR": path}, tmp_path)
    assert not place.wandb_dir_writable
    assert place.trouble.kind in {"permission", "missing", "other"}


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("")
    place = look({"WANDB_DIR": str(tmp_path / "file/runs")}, tmp_path)
    assert (place.wandb_dir_writable, place.trouble.text) == (False, "not a folder")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_of_someone_else(tmp_path):
    (tmp_path / "wandb").mkdir(mode=0o500)
    assert look({}, tmp_path).trouble.kind == "permission"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, "disk"),
        (errno.EDQUOT, "disk"),
        (errno.EACCES, "permission"),
        (errno.EROFS, "permission"),
        (errno.EIO, "other"),
    ],
)
def test_why_nothing_can_be_written(tmp_path, mocker, number, kind):
    mocker.patch.object(module.tempfile, "NamedTemporaryFile", side_effect=OSError(number, os.strerror(number)))
    place = look({}, tmp_path)
    assert not place.wandb_dir_writable
    assert (place.trouble.kind, place.trouble.text) == (kind, os.strerror(number))
    assert place.trouble.where == str(tmp_path)


def test_a_root_that_the_sdk_would_not_take(tmp_path, mocker):
    mocker.patch.object(module.os, "access", return_value=False)
    assert look({}, tmp_path).trouble.kind == "permission"


def _can_mount() -> bool:
    command = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _can_mount(), reason="no private mounts on this machine")
def test_a_full_disk_in_ram(tmp_path):
    code = (
        "from pathlib import Path; import sys; from tests.evidence.setup.test_surroundings import look;"
        "print(look({}, Path(sys.argv[1])).model_dump_json())"
    )
    script = 'mount -t tmpfs -o size=64k none "$1" && head -c 64k /dev/zero > "$1/full"; exec "$2" -c "$3" "$1"'
    command = ["unshare", "-rm", "sh", "-c", script, "sh", str(tmp_path), sys.executable, code]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    place = module.Place.model_validate_json(output)
    assert place.wandb_dir_in_ram
    assert (place.wandb_dir_writable, place.trouble.kind) == (False, "disk")
    assert place.wandb_dir_free_bytes == 0


def test_the_file_system_is_that_of_the_deepest_mount(tmp_path):
    deep = tmp_path / "a b/c"
    deep.mkdir(parents=True)
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"disk / ext4 rw 0 0\n10.0.0.1@o2ib:/scratch {tmp_path} lustre rw 0 0\n"
        f"none {tmp_path}/a\\040b tmpfs rw 0 0\nother {tmp_path}/a\\040b/cd ramfs rw 0 0\nshort\n"
    )
    assert filesystem_of(tmp_path, mounts) == "lustre"
    assert filesystem_of(deep, mounts) == "tmpfs"
    assert filesystem_of(deep, tmp_path / "nowhere") is None
