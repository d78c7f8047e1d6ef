"""`lumi-wandb watch`: its arguments, and what it does where nothing can be watched."""

import time
from contextlib import ExitStack

import pytest

from harness.commands.watch import VERIFIES, Servers, Teller, last_look, main, until
from harness.evidence.setup.job_settings import read_job_settings
from harness.loopback.server import LoopbackServer
from harness.settings.model import SettingsError
from harness.watch.ledger import Entry, Ledger
from harness.watch.subjects import Subject
from harness.watch.track import Track
from harness.watch.verifying import Verifier
from tests.in_ci import real_part
from tests.watch.test_watcher import World


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "name a run, a Slurm job or a folder"),
        (["nonsense"], "'nonsense' is no run"),
        (["a/b/c", "--until", "soon"], "--until: 'soon' is neither end nor problem nor a duration"),
        (["--project", "team"], "--project: 'team' is no project"),
        (["--onec"], "did you mean --once?"),
    ],
)
def test_wrong_usage_is_one_sentence(argv, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(argv, {"HOME": str(tmp_path)})
    except SystemExit as end:
        code = end.code
    told = capsys.readouterr().err
    assert (code, told.count("\n")) == (4, 1)
    assert said in told


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86_400)])
def test_a_duration(text, seconds):
    assert until(text, 1000.0) == 1000.0 + seconds
    assert until("end", 1000.0) is None
    with pytest.raises(SettingsError):
        until("-1h", 1000.0)


@real_part
def test_a_run_that_cannot_be_asked_for_is_not_checked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("harness.evidence.server.reader.ANSWER_S", 3.0)
    environ = {"HOME": str(tmp_path), "WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": "k" * 40}
    assert main(["team/vit/abcd", "--once"], environ) == 10
    assert "not read" in capsys.readouterr().out


def test_a_key_that_is_renewed_is_read_again(tmp_path):
    with LoopbackServer() as server, ExitStack() as stack:
        server.store.seed_run("loopback", "vit", "abcd", state="running")
        environ = {"HOME": str(tmp_path), "WANDB_BASE_URL": server.url}
        servers = Servers(read_job_settings(environ, tmp_path, sdk_version="0.31.0"), stack)
        for key, trouble in (("f" * 40, "auth"), (server.api_key, None)):
            (tmp_path / ".netrc").write_text(f"machine 127.0.0.1:{server.port}\n login user\n password {key}\n")
            (tmp_path / ".netrc").chmod(0o600)
            answer = servers.ask(None, "loopback", "vit", ["abcd"], system=True)
            assert (answer.trouble.kind if answer.trouble else None) == trouble
        assert [run.id for run in answer.runs] == ["abcd"]


def test_history_lists_what_was_watched(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ledger = Ledger(tmp_path / ".harness" / "watch")
    ledger.add(Entry(time.time(), "team/vit/abcd", "end", "finished", 1240, verdict="passed"))
    ledger.add(Entry(time.time(), "4242", "end", "failed", 7, "live-no-steps", "no step", "failed", 12.5, "vit-large"))
    ledger.close()
    assert main(["--history"], {}) == 0
    head, *rows = [line[18:].split() for line in capsys.readouterr().out.splitlines()]
    assert head == ["id", "name", "state", "steps", "verdict", "GPU-hours", "cause"]
    assert rows == [
        ["team/vit/abcd", "-", "finished", "1,240", "passed", "-", "-"],
        ["4242", "vit-large", "failed", "7", "failed", "12.50", "live-no-steps:", "no", "step"],
    ]


@pytest.mark.parametrize(("state", "looks"), [("finished", 1), ("running", 3)])
def test_told_to_end_it_gives_the_run_a_moment_and_verifies(tmp_path, monkeypatch, state, looks):
    monkeypatch.setattr("harness.commands.watch.LAST_S", 0.3)
    monkeypatch.setattr("harness.commands.watch.LAST_LOOK_S", 0.2)
    world = World(tmp_path, now=time.time())
    watcher = world.watcher("a")
    watcher.round(world.now)
    assert world.verified == ["a"]
    world.states["a"] = state
    last_look(watcher, Verifier(tmp_path, {}, tmp_path, {}, VERIFIES))
    assert len(world.asked) == 1 + looks
    assert (world.verified, watcher.subjects[0].ended) == (["a", "a"], True)


def test_the_command_is_told_what_broke_and_its_failure_ends_nothing(tmp_path, capsys):
    subject = Subject("team/vit/abcd", "run", Track(0.0), problem="live-no-steps", words="no step for 80 s")
    words = "$HARNESS_WATCH_EVENT $HARNESS_WATCH_JOB $HARNESS_WATCH_FAULT: $HARNESS_WATCH_TEXT"
    Teller(f'echo "{words}" > {tmp_path}/out; exit 3', {"PATH": "/usr/bin:/bin"}).tell("problem", subject, None)
    assert (tmp_path / "out").read_text() == "problem team/vit/abcd live-no-steps: no step for 80 s\n"
    assert capsys.readouterr().err.endswith("the command of --on-problem failed: exit code 3\n")
