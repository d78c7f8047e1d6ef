"""What to write where pytest takes a value that begins with a dash for an option."""

import pytest

from harness.commands.options_help import to_join


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (("--job", "-m pkg.train"), ["--job='-m pkg.train'"]),
        (("--job", "-m", "pkg.train", "--nproc", "4"), ["--job='-m pkg.train'"]),
        (("--job", "train.py", "--job-args", "-x 3"), ["--job-args='-x 3'"]),
        (("--job=-m pkg.train", "--job-args=-x 3"), []),
        (("--job", "train.py", "-k", "loss"), []),
    ],
)
def test_a_value_that_begins_with_a_dash_is_written_with_its_option(words, right):
    assert to_join(words) == right
