"""Job output: marks, trouble and tail, from real lines of several SDK versions."""

import tracemalloc
from pathlib import Path

import pytest

from harness.evidence.models import JobOutput
from harness.evidence.output.reader import OutputReader, read_output
from harness.evidence.redaction.redactor import redact

OUTPUTS = Path(__file__).parent / "samples"


def as_it_is(text: str) -> str:
    return text


def read(text: str | bytes) -> JobOutput:
    reader = OutputReader(None, as_it_is)
    reader.feed_bytes(text.encode() if isinstance(text, str) else text)
    reader.close()
    return reader.snapshot()


def real(name: str) -> JobOutput:
    return read_output(OUTPUTS / f"{name}.txt", as_it_is)


@pytest.mark.parametrize(
    ("name", "run_id", "user", "host"),
    [
        ("fine-0.31.0", "gbhuycaq", "me", "http://127.0.0.1:18101"),
        ("fine-0.19.5", "32ijuhr4", "me", "http://127.0.0.1:18102"),
        ("fine-0.16.6", "qaqop3ug", "me", None),
    ],
)
def test_a_healthy_run_is_announced_once_and_shows_no_error(
    name: str, run_id: str, user: str, host: str | None
) -> None:
    output = real(name)
    assert [(link.entity, link.project, link.run_id) for link in output.links] == [("me", "p", run_id)]
    assert [(login.username, login.entity, login.host) for login in output.logins] == [(user, None, host)]
    assert output.sdk_versions == (name.removeprefix("fine-"),)
    assert output.errors == ()
    assert output.run_dirs[0].endswith(run_id)
    assert all("ERROR" not in line.text for line in output.notable)


def test_the_source_of_the_key_is_told() -> None:
    assert real("fine-0.31.0").credentials_from == ("WANDB_API_KEY",)
    text = "wandb: [wandb.login()] Loaded credentials for https://api.wandb.ai from /users/me/.netrc.\n"
    assert read(text).credentials_from == ("/users/me/.netrc",)


def test_an_offline_run_has_a_directory_and_no_link() -> None:
    output = real("offline-0.16.6")
    assert output.links == ()
    assert output.run_dirs[0].endswith("/wandb/offline-run-20261123_184722-1mmod4r9")
    assert any("W&B syncing is set to `offline`" in line.text for line in output.notable)


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("wandb: 🚀 View run at https://wandb.ai/team/proj/runs/abc123", "https://wandb.ai/team/proj/runs/abc123"),
        ("wandb: View run at https://wandb.ai/team/proj/runs/abc123", "https://wandb.ai/team/proj/runs/abc123"),
        (
            "wandb: 🚀 View run Example run at: https://h.org/w/b/team/proj/runs/abc123",
            "https://h.org/w/b/team/proj/runs/abc123",
        ),
        ("wandb: Synced Example run: https://wandb.ai/team/proj/runs/abc123", "https://wandb.ai/team/proj/runs/abc123"),
        (
            "[default0]:wandb: 🚀 View run at http://127.0.0.1:81/team/proj/runs/abc123",
            "http://127.0.0.1:81/team/proj/runs/abc123",
        ),
        (
            "\x1b[34m\x1b[1mwandb\x1b[0m: 🚀 View run \x1b[33mx\x1b[0m at: \x1b[34mhttps://wandb.ai/team/proj/runs/abc123\x1b[0m",
            "https://wandb.ai/team/proj/runs/abc123",
        ),
        (
            "wandb: 🚀 View run at https://wandb.ai/team/proj/runs/abc123?apiKey=xyz",
            "https://wandb.ai/team/proj/runs/abc123",
        ),
    ],
)
def test_every_form_of_a_run_link_is_read(line: str, url: str) -> None:
    (link,) = read(line + "\n").links
    assert (link.url, link.entity, link.project, link.run_id) == (url, "team", "proj", "abc123")


def test_names_in_a_link_are_decoded() -> None:
    (link,) = read("wandb: View run at https://wandb.ai/a%20team/my%20proj/runs/abc\n").links
    assert (link.entity, link.project) == ("a team", "my proj")


def test_a_project_page_is_no_run() -> None:
    assert read("wandb: ⭐️ View project at https://wandb.ai/team/proj\n").links == ()


@pytest.mark.parametrize(
    ("line", "entity", "host"),
    [
        ("Currently logged in as: me (team) to https://api.wandb.ai. Use `wandb login --relogin`", "team", "https://api.wandb.ai"),
        ("Currently logged in as: me (team). Use `wandb login --relogin` to force relogin", "team", None),
        ("Currently logged in as: me to http://127.0.0.1:8080. Use `wandb login --relogin`", None, "http://127.0.0.1:8080"),
        ("Currently logged in as: me (use `wandb login --relogin` to force relogin)", None, None),
        ("Currently logged in as: me (team) to https://h.org/prefix", "team", "https://h.org/prefix"),
    ],
)  # fmt: skip
def test_every_form_of_a_login_is_read(line: str, entity: str | None, host: str | None) -> None:
    (login,) = read(f"wandb: {line}\n").logins
    assert (login.username, login.entity, login.host) == ("me", entity, host)


def test_epochs_take_the_accuracy_that_follows() -> None:
    output = read("Epoch 1, Loss: 0.5\nAccuracy: 12.5%\nEpoch 2, Loss: nan\nEpoch 3/10, Loss: 1e-05\nAccuracy: 99%\n")
    assert [(e.epoch, e.acc, e.line) for e in output.epochs] == [(1, 12.5, 1), (2, None, 3), (3, 99.0, 4)]
    assert output.epochs[0].loss == 0.5
    assert output.epochs[1].loss != output.epochs[1].loss
    assert output.epochs[2].loss == 1e-05
    again = JobOutput.model_validate_json(output.model_dump_json())
    assert again.epochs[1].loss != again.epochs[1].loss


def test_epochs_are_bounded_and_counted() -> None:
    output = read("".join(f"Epoch {n}, Loss: 1.0\n" for n in range(5000)))
    assert output.epochs_total == 5000
    assert len(output.epochs) <= 1001
    assert output.epochs[0].epoch == 0
    assert output.epochs[-1].epoch == 4999


def test_a_rank_that_says_no_more_than_that_it_joined_is_listed() -> None:
    reader = OutputReader(None, str)
    reader.feed(["Rank 0 of 8 joined"])
    assert [(r.rank, r.world_size) for r in reader.snapshot().ranks] == [(0, 8)]


def test_ranks_that_joined_are_listed_once() -> None:
    output = real("torchrun-tee")
    assert [(r.rank, r.world_size, r.local_rank, r.host, r.device) for r in output.ranks] == [
        (0, 2, 0, "nid005000", "cuda:0"),
        (1, 2, 1, "nid005000", "cuda:1"),
    ]


def test_progress_bars_count_as_one_line_and_hide_nothing() -> None:
    bar = "\r".join(f" {n}%|██   | {n}/100" for n in range(100))
    waiting = "wandb: \\ Waiting...\rwandb: Tracking run with wandb version 0.19.5"
    output = read(f"first\n{bar}wandb: WARNING something is wrong\n\r{waiting}\nlast\n")
    assert output.lines == 4
    assert output.sdk_versions == ("0.19.5",)
    assert (2, "wandb: WARNING something is wrong") in [(line.number, line.text) for line in output.wandb_lines]
    assert [line.text for line in output.tail][-1] == "last"
    assert output.tail[2].text == "wandb: Tracking run with wandb version 0.19.5"


@pytest.mark.parametrize(
    ("line", "versions"),
    [
        ("wandb 0.19.1", ("0.19.1",)),
        ("wandb==0.19.1", ("0.19.1",)),
        ("wandb version 0.19.1", ("0.19.1",)),
        ("wandb.__version__ = 0.19.1", ("0.19.1",)),
        ("wandb: wandb version 0.28.0 is available!  To upgrade, please run:", ()),
        ("Requirement already satisfied: wandb>=0.19.1", ()),
    ],
)
def test_a_version_that_the_script_prints_counts_without_a_run(line: str, versions: tuple[str, ...]) -> None:
    output = read(f"{line}\n")
    assert output.sdk_versions == versions
    assert output.links == ()


def test_windows_line_ends_nul_bytes_and_wrong_encoding_do_no_harm() -> None:
    output = read(b"one\r\n\x00\x00\x00RuntimeError: \xff\xfe broken\r\nthree\r\n")
    assert output.lines == 3
    assert [line.text for line in output.notable] == ["RuntimeError: \ufffd\ufffd broken"]


def test_a_line_without_end_is_cut() -> None:
    reader = OutputReader(None, as_it_is)
    reader.feed_bytes(b"RuntimeError: ")
    for _ in range(40):
        reader.feed_bytes(b"x" * (1 << 20))
    reader.feed_bytes(b"\nOSError: [Errno 122] Disk quota exceeded\n")
    output = reader.snapshot()
    assert output.lines == 2
    assert [e.exception for e in output.errors] == ["RuntimeError", "OSError"]
    assert output.errors[1].line == 2
    assert max(len(line.text) for line in output.tail) <= 2000


def test_output_may_be_cut_anywhere() -> None:
    data = (OUTPUTS / "torchrun-raise.txt").read_bytes()
    whole = read(data)
    reader = OutputReader(None, as_it_is)
    for at in range(0, len(data), 7):
        reader.feed_bytes(data[at : at + 7])
    reader.close()
    assert reader.snapshot() == whole


def test_lines_fed_while_the_job_runs_tell_the_same_as_the_file() -> None:
    lines = (OUTPUTS / "stream-403-0.31.0.txt").read_text().splitlines()
    reader = OutputReader(OUTPUTS / "stream-403-0.31.0.txt", as_it_is)
    reader.feed(lines[:9])
    assert reader.first_link() is not None
    assert reader.newest_link() is not None
    reader.feed(lines[9:])
    reader.feed([])
    assert reader.snapshot() == real("stream-403-0.31.0")


def test_newest_epoch_and_first_link_are_there_while_it_runs() -> None:
    reader = OutputReader(None, as_it_is)
    assert reader.last_epoch() is None
    assert reader.first_link() is None
    reader.feed(["Epoch 1, Loss: 2.0", "Accuracy: 3%", "Epoch 2, Loss: 1.0"])
    last = reader.last_epoch()
    assert last is not None
    assert (last.epoch, last.loss, last.acc) == (2, 1.0, None)


def test_an_empty_and_a_missing_file() -> None:
    assert read("").lines == 0
    output = read_output(OUTPUTS / "nothing-of-the-kind.txt", as_it_is)
    assert output.trouble is not None
    assert output.trouble.kind == "missing"
    folder = read_output(OUTPUTS, as_it_is)
    assert folder.trouble is not None


def test_several_files_of_one_job_are_read_as_one(tmp_path) -> None:
    texts = ("Epoch 1, Loss: 2.0\nhalf", "x" * 200_000, "wandb: WARNING a\nEpoch 2, Loss: 1.0")
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.out").write_text(text)
    files = [tmp_path / f"{number}.out" for number in (0, 1, 7, 2)]
    output = read_output(tmp_path / "*.out", as_it_is, files)
    assert [epoch.epoch for epoch in output.epochs] == [1, 2]
    assert [line.text for line in output.wandb_lines] == ["wandb: WARNING a"]
    assert (output.lines, output.size_bytes) == (5, sum(map(len, texts)))
    assert output.file_starts == (1, 3, 4, 4)  # the missing one has no line
    assert [output.file_of(line) for line in range(1, 6)] == [0, 0, 1, 3, 3]
    assert read_output(files[0], as_it_is).file_starts == ()
    assert output.trouble is not None
    assert output.trouble.kind == "missing"


def test_the_launchers_prefix_is_kept_apart() -> None:
    output = read("[default1]:wandb: WARNING a\n3: wandb: WARNING b\n[rank2]: RuntimeError: c\n")
    assert [(line.prefix, line.text) for line in output.wandb_lines] == [
        ("[default1]:", "wandb: WARNING a"),
        ("3:", "wandb: WARNING b"),
    ]
    assert output.notable[-1].text == "RuntimeError: c"


def test_a_flood_keeps_the_first_and_the_last_of_each_kind() -> None:
    flood = [f"ERROR worker {n} failed" for n in range(20_000)]
    output = read("\n".join(["OSError: early", *flood, "slurmstepd: error: *** JOB 1 CANCELLED ***"]) + "\n")
    texts = [line.text for line in output.notable]
    assert texts[0] == "OSError: early"
    assert texts[-1].startswith("slurmstepd")
    assert len(texts) < 10


def test_many_different_troubles_stay_within_bounds() -> None:
    letters = "abcdefghijklmnopqrst"
    words = [f"ERROR in {a}{b}{c}" for a in letters for b in letters for c in letters]
    output = read("\n".join(words) + "\n")
    assert len(output.notable) <= 300
    assert output.notable[0].text == words[0]
    assert output.notable[-1].text == words[-1]
    assert len(output.tail) == 60


def test_warnings_do_not_crowd_out_errors() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    warnings = [f"{a}{b}.py:1: UserWarning: deprecated" for a in letters for b in letters]
    output = read("\n".join([*warnings, "Killed", *warnings]) + "\n")
    assert "Killed" in [line.text for line in output.notable]


def test_secrets_do_not_get_through() -> None:
    key = "0123456789abcdef0123456789abcdef01234567"
    reader = OutputReader(None, redact)
    reader.feed(
        [
            f"export WANDB_API_KEY={key}",
            f"wandb: ERROR API-key must be exactly 40 characters long: {key}",
            "Traceback (most recent call last):",
            f'  File "/x/{key}.py", line 1, in f',
            f"ValueError: bad key {key}",
            f"wandb: View run at https://wandb.ai/e/p/runs/x?apiKey={key}",
        ]
    )
    assert key not in reader.snapshot().model_dump_json()


@pytest.mark.slow
def test_fifty_megabytes_take_little_memory() -> None:
    line = "[2026-11-23 18:00:00] step {n} | loss 0.{n} | 512 images/s | RuntimeError: {w}\n"
    words = ("alpha", "beta", "gamma", "delta")
    chunk = "".join(line.format(n=n, w=words[n % 4] * (n % 37)) for n in range(10_000)).encode()
    reader = OutputReader(None, redact)
    reader.feed_bytes(chunk)
    tracemalloc.start()
    for _ in range(50_000_000 // len(chunk)):
        reader.feed_bytes(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    output = reader.snapshot()
    assert output.size_bytes > 49_000_000
    assert len(output.notable) <= 300
    assert peak < 20_000_000
