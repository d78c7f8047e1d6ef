"""The command `lumi-wandb`: verbs, help, near misses, completion; nothing heavy is imported for any of it."""

import subprocess
import sys

import pytest

from harness.__main__ import COMMANDS, main
from harness.commands.arguments import Parser, misspelt, no_such_option
from harness.commands.caller import sentence
from harness.commands.options_help import joined, option_parser
from harness.settings.options import OPTIONS


def test_help_names_every_verb(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {verb}" in said for verb in COMMANDS)


def test_help_imports_nothing_that_takes_time():
    code = "import sys; from harness.__main__ import main; main(['--help']); sys.exit('argparse' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["chek"], "did you mean check?"),
        (["nonsense"], "`lumi-wandb --help` lists them"),
        (["--job", "x"], "lumi-wandb check --job"),
        (["explain", "--lgo", "x"], "did you mean --log?"),
    ],
)
def test_a_word_that_is_wrong_brings_the_one_that_may_be_meant(argv, words, capsys):
    try:
        code = main(argv)
    except SystemExit as end:
        code = end.code
    assert code == 4
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_help_of_check_has_every_option_once(capsys):
    assert main(["check", "--help"]) == 0
    said = capsys.readouterr().out
    assert [said.count(f"\n  {o.flag} ") + said.count(f"\n  {o.flag}\n") for o in OPTIONS] == [1] * len(OPTIONS)


def test_options_of_unknown_groups_are_shown_too():
    shown = option_parser("x", "y").format_help()
    assert all(o.flag in shown for o in OPTIONS)


@pytest.mark.parametrize(
    ("typed", "passed"),
    [
        (["--job", "-m", "a.b", "-q"], ["--job=-m a.b", "-q"]),
        (["--job", "-m a.b"], ["--job=-m a.b"]),
        (["--job", "train.py"], ["--job=train.py"]),
        (["--job-args", "--lr 1e-3", "--nproc", "4"], ["--job-args=--lr 1e-3", "--nproc", "4"]),
        (["--job"], ["--job"]),
    ],
)
def test_values_that_begin_with_a_dash_are_joined_with_their_option(typed, passed):
    assert joined(typed) == passed


def test_options_that_are_close_are_found():
    assert misspelt(["--expct", "a", "--jobs=x", "--expect"], ["--expect", "--job"]) == {
        "--expct": "--expect", "--jobs": "--job",
    }  # fmt: skip
    assert no_such_option("--zzz", ["--job"]) == "there is no option --zzz; --help lists them."


def test_pytests_complaint_becomes_one_sentence():
    long = "usage: pytest [options]\npytest: error: unrecognized arguments: a.py --lumi-acount\n  inifile: x\n"
    assert sentence(long) == "there is no option --lumi-acount; did you mean --lumi-account?"
    assert sentence("--nproc: '0' is wrong.") == "--nproc: '0' is wrong."


def test_a_parser_says_what_is_missing(capsys):
    parser = Parser(prog="x")
    parser.add_argument("--job", required=True)
    with pytest.raises(SystemExit):
        parser.parse_args([])
    assert "required: --job" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "offered"),
    [("lumi-wandb ch", "check"), ("lumi-wandb check --lumi-acc", "--lumi-account"),
     ("lumi-wandb check --server lo", "loopback")],
)  # fmt: skip
def test_completion_offers_what_fits(line, offered, capsys):
    assert main(["completion"]) == 0
    words = line.split(" ")
    script = (
        f"{capsys.readouterr().out}\nCOMP_WORDS=({line})\nCOMP_CWORD={len(words) - 1}\n"
        '_lumi_wandb 2>/dev/null\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert offered in done.stdout.split()
