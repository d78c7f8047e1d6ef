"""What to type next: the commands survive odd paths, and a run is read again only where it stays."""

import shlex
from pathlib import Path

import pytest

from harness.evidence.models import Request
from harness.report.next_commands import next_commands
from harness.settings.model import Settings
from tests.report.samples import inconclusive, lumi, passed

HERE = Path("/home/me/my work")
FOLDER = HERE / "report"


def again(found, *arguments, verdict=None, folder=FOLDER):
    settings = Settings(target="local", source="job", server="loopback", cwd=HERE)
    return next_commands(settings, folder, found, verdict or passed()[1], arguments)


def words(command):
    folder, line = command.splitlines()
    return shlex.split(folder)[1], shlex.split(line)[1:]


def test_commands_survive_odd_paths():
    found = again(lumi(), "checks", "--expect", "a;b")
    assert words(found.verify) == (str(HERE), ["-m", "pytest", "checks", "--expect", "a;b"])
    assert words(found.replay)[1][-1] == str(FOLDER / "evidence.json")


def test_a_run_on_a_server_that_stays_is_read_again_with_what_was_expected(tmp_path):
    (tmp_path / "job.log").write_text("")
    asked = lumi().request.model_copy(update={"expect": ("train/loss",)})
    found = again(lumi(request=asked), folder=tmp_path)
    assert words(found.reread)[1] == [
        "-m", "pytest", "checks", "--run", "team/vit/abcd1234", "--job-log", str(tmp_path / "job.log"),
        "--expect", "train/loss", "--expect-points", "4",
    ]  # fmt: skip


def test_a_run_that_only_the_disk_told_of_is_read_again_too():
    found, verdict = inconclusive()
    assert "--run team/vit/abcd1234" in again(found, verdict=verdict).reread


@pytest.mark.parametrize("change", [{"server": "loopback"}, {"source": "run"}, {"offline": True}])
def test_a_run_that_is_gone_or_was_no_job_is_not_read_again(change):
    request = Request(**{"source": "job", "server": "real", "job_kind": "script", **change})
    assert again(lumi(request=request)).reread == ""
