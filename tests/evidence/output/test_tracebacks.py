"""Tracebacks: chained, prefixed, interleaved, with long messages, and none where there is none."""

from itertools import combinations
from pathlib import Path

import pytest

from harness.evidence.models import PythonError
from harness.evidence.output.reader import OutputReader, read_output

OUTPUTS = Path(__file__).parent / "samples"


def errors(text: str) -> tuple[PythonError, ...]:
    reader = OutputReader(None, lambda t: t)
    reader.feed(text.splitlines())
    return reader.snapshot().errors


def real(name: str) -> tuple[PythonError, ...]:
    return read_output(OUTPUTS / f"{name}.txt", lambda t: t).errors


def test_the_sdks_error_has_its_message_and_frames() -> None:
    (error,) = real("refused-0.31.0")
    assert error.exception == "wandb.errors.errors.CommError"
    assert error.message.startswith('Timed out while retrying: Post "http://127.0.0.1:1/graphql"')
    assert "init_timeout" in error.message
    assert "wandb:" not in error.message
    assert error.frames[0] == 'File "/scratch/job/job.py", line 2, in <module>'
    assert "wandb_init.py" in error.frames[-1]
    assert (error.rank, error.local_rank) == (None, None)


def test_a_chain_is_told_in_its_order() -> None:
    key, value, child = real("torchrun-raise")
    assert (key.exception, key.message) == ("KeyError", "'x'")
    assert (value.exception, value.message) == ("ValueError", "bad batch\nsecond line")
    assert child.exception.endswith("ChildFailedError")
    assert child.message == ""


def test_a_long_chain_of_requests() -> None:
    assert [e.exception.rpartition(".")[2] for e in real("refused-0.12.21")] == [
        "ConnectionRefusedError",
        "NewConnectionError",
        "MaxRetryError",
        "ConnectionError",
    ]


def test_torchruns_prefix_tells_the_local_rank() -> None:
    first, second, _ = real("torchrun-tee")
    assert [(e.exception, e.message, e.local_rank, e.rank) for e in (first, second)] == [
        ("ModuleNotFoundError", "No module named 'nosuchmodule'", 0, None),
        ("ModuleNotFoundError", "No module named 'nosuchmodule'", 1, None),
    ]
    assert first.frames == second.frames


def test_torchs_prefix_tells_the_rank() -> None:
    (error,) = errors(
        "[rank3]: Traceback (most recent call last):\n"
        '[rank3]:   File "/x/train.py", line 12, in main\n'
        "[rank3]:     run()\n"
        "[rank3]: torch.distributed.DistBackendError: NCCL error in: x.cpp:1, unhandled system error\n"
        "[rank3]: ncclSystemError: System call failed\n"
    )
    assert (error.rank, error.exception) == (3, "torch.distributed.DistBackendError")
    assert error.message.splitlines()[1] == "ncclSystemError: System call failed"
    assert error.frames == ('File "/x/train.py", line 12, in main',)


def test_prefixed_ranks_may_interleave() -> None:
    lines = [
        "Traceback (most recent call last):",
        '  File "/x/train.py", line {rank}, in main',
        "    run()",
        "ValueError: rank {rank}",
    ]
    text = "\n".join(f"[rank{r}]: {line.format(rank=r)}" for line in lines for r in range(3))
    # one message but for its digits: told for each rank, with that rank's own frame
    assert [(e.rank, e.frames[0].split()[3]) for e in errors(text)] == [(0, "0,"), (1, "1,"), (2, "2,")]


def test_without_prefixes_each_traceback_ends_with_an_exception() -> None:
    text = """\
Traceback (most recent call last):
Traceback (most recent call last):
  File "/x/train.py", line 1, in main
    run()
  File "/x/train.py", line 1, in main
    run()
Epoch 1, Loss: 0.5
KeyError: 'RANK'
OSError: [Errno 28] No space left on device
"""
    assert [(e.exception, e.message) for e in errors(text)] == [
        ("OSError", "[Errno 28] No space left on device"),
        ("KeyError", "'RANK'"),
    ]


def test_pydantics_message_has_several_lines() -> None:
    text = """\
Traceback (most recent call last):
  File "/x/train.py", line 1, in <module>
    wandb.init()
pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings
mode
  Input should be 'online', 'offline', 'shared', 'disabled', 'dryrun' or 'run' [type=literal_error]
    For further information visit https://errors.pydantic.dev/2.13/v/literal_error

training goes on
"""
    (error,) = errors(text)
    assert error.exception == "pydantic_core._pydantic_core.ValidationError"
    assert error.message.splitlines()[1] == "mode"
    assert "training" not in error.message


@pytest.mark.parametrize(
    "after",
    ["Epoch 1, Loss: 0.5", "wandb: WARNING x", "W1123 19:11:56.517000 20154 torch/x.py:1] y", "srun: error: z"],
)
def test_what_follows_is_no_part_of_the_message(after: str) -> None:
    (error,) = errors(f'Traceback (most recent call last):\n  File "a", line 1, in f\nValueError: bad\n{after}\n')
    assert error.message == "bad"


def test_the_sdks_own_prefix_is_a_stream_of_its_own() -> None:
    text = """\
wandb: ERROR Traceback (most recent call last):
epoch running
wandb: ERROR   File "/x/y.py", line 3, in f
wandb: ERROR ValueError: bad
"""
    (error,) = errors(text)
    assert (error.exception, error.message, error.frames) == ("ValueError", "bad", ('File "/x/y.py", line 3, in f',))


def test_an_exception_without_a_traceback_counts() -> None:
    text = '  File "/x/train.py", line 3\n    def\n       ^\nSyntaxError: invalid syntax\nother words\n'
    assert [(e.exception, e.message) for e in errors(text)] == [("SyntaxError", "invalid syntax")]
    bare = "wandb.errors.errors.CommError: user is not logged in\n"
    assert [(e.exception, e.message) for e in errors(bare)] == [
        ("wandb.errors.errors.CommError", "user is not logged in")
    ]


def test_an_exception_group_shows_its_members() -> None:
    text = """\
  + Exception Group Traceback (most recent call last):
  |   File "/x/a.py", line 1, in <module>
  |     raise ExceptionGroup("many", errors)
  | ExceptionGroup: many (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: inner
    +------------------------------------
"""
    assert [e.exception for e in errors(text)] == ["ExceptionGroup", "ValueError"]


def test_alike_exceptions_of_many_ranks_are_counted() -> None:
    lines = ("Traceback (most recent call last):", '  File "a", line 1, in f', "RuntimeError: step {r}")
    text = "\n".join(f"[rank{r}]: {line.format(r=r)}" for r in range(100) for line in lines)
    found = errors(text)
    assert len(found) <= 10
    assert sum(e.count for e in found) == 100


def test_a_traceback_that_was_cut_off_does_not_swallow_the_rest() -> None:
    text = "\n".join(['Traceback (most recent call last):\n  File "a", line 1, in f', *["plain"] * 2000, "x.y: z"])
    assert errors(text) == ()


def test_words_that_look_alike_are_no_exceptions() -> None:
    assert errors("Accuracy: 12%\nmean error: 0.5\nErrors: 0\nepoch.loss: 3\nno Error here\n") == ()


def test_a_plain_exception_counts_and_a_command_lines_error_does_not() -> None:
    (error,) = errors("Exception: The wandb backend process has shutdown\nError: No API key configured.\n")
    assert (error.exception, error.message) == ("Exception", "The wandb backend process has shutdown")


TWO_HEADERS = "Traceback (most recent call last):\n" * 2 + '  File "t.py", line 1, in <module>\n' * 2


def woven(pieces: tuple[str, ...]) -> set[str]:
    """What two ranks give that each write the pieces, in every order that can be."""
    every = range(2 * len(pieces))
    return {
        "".join(next(mine if at in own else other) for at in every)
        for own in combinations(every, len(pieces))
        for mine, other in [(iter(pieces), iter(pieces))]
    }


@pytest.mark.parametrize("lines", sorted(woven(("ValueError", ": ", "no data", "\n"))))
def test_two_ranks_that_write_one_line_at_once(lines: str) -> None:
    error = errors(TWO_HEADERS + lines)[0]
    assert error.exception == "ValueError"
    assert error.message.startswith("no data")


@pytest.mark.parametrize(
    ("lines", "exception", "message"),
    [
        ("ValueErrorValueErrorValueError: : : no datano datano data\n", "ValueError", "no data"),
        ("wandb.errorswandb.errors..UsageErrorUsageError: : no keyno key\n\n", "wandb.errors.UsageError", "no key"),
    ],
)
def test_more_ranks_and_more_pieces(lines: str, exception: str, message: str) -> None:
    (error,) = errors(TWO_HEADERS + lines)
    assert (error.exception, error.message) == (exception, message)


def test_a_rank_alone_may_repeat_itself() -> None:
    (error,) = errors("Traceback (most recent call last):\nValueError: no data, no data, no data\n")
    assert error.message == "no data, no data, no data"


def test_a_frame_of_another_rank_is_no_message() -> None:
    (error,) = errors(TWO_HEADERS + 'ValueError: no data\n  File "t.py", line 1, in <module>\nValueError: no data\n')
    assert (error.message, error.count) == ("no data", 2)
