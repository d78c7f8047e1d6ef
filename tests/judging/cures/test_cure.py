"""Cures as they are told: commands, patches that apply, keys that stay unseen, and what only somebody else can do."""

import shlex
import subprocess
from string import Formatter

import pytest

from harness.evidence.models import Evidence, ScriptSource
from harness.evidence.redaction.redactor import REDACTED
from harness.judging.advice import common_values
from harness.judging.catalogue import catalogue
from harness.judging.cures.batch import BATCH_EDITS
from harness.judging.cures.cure import Cure, edited, filled, told, written
from harness.judging.cures.edits import EDITS
from harness.judging.findings import fill
from harness.judging.judge import judge
from tests.faults.recorded import recordings, verdict
from tests.judging import build as b

KEY = "0123456789abcdef" * 2 + "01234567"
SCRIPT = "import wandb\n\nrun = wandb.init(project='p', mode='offline')\nrun.finish()\n"


def of(text, path="train.py", patchable=True):
    source = ScriptSource(path=path, text=text, patchable=patchable)
    return b.evidence(setup=b.setup().model_copy(update={"source": source}))


def carried_out(cure, folder, text):
    (folder / "train.py").write_text(text)
    if cure.patch:
        subprocess.run(["patch", "-s", "-p1"], cwd=folder, input=cure.patch, text=True, check=True)
    subprocess.run(["bash", "-ec", "\n".join(cure.commands)], cwd=folder, check=True)
    return (folder / "train.py").read_text()


def test_an_edit_is_a_patch_that_applies(tmp_path):
    cure = edited("mode_online", of(SCRIPT))
    assert cure.kind == "edit"
    assert carried_out(cure, tmp_path, SCRIPT) == SCRIPT.replace(", mode='offline'", "")


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ('os.environ["WANDB_API_KEY"] = "{}"\n', ""),
        ('wandb.login(key="{}")\n', "wandb.login()\n"),
        ('if 1:  # a/b & c\\d\n    wandb.login(key="{}", host="http://a/b")\n',
         'if 1:  # a/b & c\\d\n    wandb.login(host="http://a/b")\n'),
    ],
)  # fmt: skip
def test_a_line_with_a_key_is_mended_by_its_number(tmp_path, line, after):
    cure = edited("login_without_key", of("import os, wandb\n" + line.format(REDACTED) + "f()\n"))
    assert cure.kind == "shell"
    assert REDACTED not in str(cure)
    mended = carried_out(cure, tmp_path, "import os, wandb\n" + line.format(KEY) + "f()\n")
    assert mended == "import os, wandb\n" + after + "f()\n"


def test_what_an_edit_needs_comes_with_it_and_never_without_it(tmp_path):
    cure = edited("mode_online", of(SCRIPT), "touch installed")
    assert carried_out(cure, tmp_path, SCRIPT) == SCRIPT.replace(", mode='offline'", "")
    assert (tmp_path / "installed").exists()
    assert told("Words:\n  code", cure).splitlines()[:3] == ["Words:", "  touch installed", "  --- a/train.py"]
    assert edited("mode_online", of("wandb.init(**options)\n"), "touch installed") == Cure(kind="edit")


def test_a_script_outside_the_folder_is_mended_by_its_path(tmp_path):
    cure = edited("mode_online", of(SCRIPT, path=str(tmp_path / "train.py"), patchable=False))
    assert cure.patch is None
    assert "mode=" not in carried_out(cure, tmp_path, SCRIPT)


@pytest.mark.parametrize("text", ["wandb.init(**options)\n", "def broken(:\n", ""])
def test_an_edit_that_cannot_be_made_is_a_sketch(text):
    cure = edited("mode_online", of(text))
    assert (cure.kind, cure.ready, cure.patch) == ("edit", False, None)
    assert told("Words:\n  code", cure) == "By hand: Words:\n  code"


def test_a_job_without_its_script_gets_a_sketch():
    assert edited("mode_online", b.evidence()) == Cure(kind="edit")


def test_what_is_told_is_what_is_carried_out():
    cure = edited("mode_online", of(SCRIPT))
    words, *diff = told("Words:\n  any code", cure).splitlines()
    assert words == "Words:"
    assert "\n".join(line[2:] for line in diff) + "\n" == cure.patch


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("Do:\n  unset A\n  export B=1", ("unset A", "export B=1")),
        ("Do:\n  export A=<folder>", ()),
        ("Do:\n  srun ...", ()),
        ("Do:\n  cat < ~/.wandb_key", ("cat < ~/.wandb_key",)),
        ("Ask somebody.\n  # curl x", ()),
    ],
)
def test_commands_are_the_lines_that_are_shown(text, commands):
    assert written("shell", text).commands == commands


def test_an_argument_that_is_not_known_makes_no_edit():
    assert filled("rename_metric {renames}", {}) is None
    assert shlex.split(filled("known_setting {setting}", {"setting": "a b"}) or "") == ["known_setting", "a b"]


def test_edits_of_the_catalogue_are_known():
    advices = {(entry.id, advice.cure, advice.edit) for entry in catalogue().values() for advice in entry.advice}
    assert {advice for advice in advices if (advice[1] == "edit") is not (advice[2] is not None)} == set()
    # A name that a rule fills in is one of these too.
    made = {(fault, edit.split()[0]) for fault, _, edit in advices if edit and not edit.startswith("{")}
    assert {(fault, name) for fault, name in made if name not in {*EDITS, *BATCH_EDITS}} == set()


def test_every_error_has_a_cure():
    errors = [entry for entry in catalogue().values() if entry.severity == "error"]
    assert [entry.id for entry in errors if not any(advice.cure for advice in entry.advice)] == []


def test_commands_of_the_catalogue_can_be_run():
    """With what a rule tells filled in; what every case knows must be known, or be found out by bash, in each."""
    unknown = common_values(Evidence())
    cures = set()
    for entry in catalogue().values():
        for advice in entry.advice:
            if advice.cure in ("shell", "settings"):
                names = {name for _, name, _, _ in Formatter().parse(advice.text) if name}
                cure = written(advice.cure, fill(advice.text, dict.fromkeys(names, "true") | unknown))
                assert cure.commands, (entry.id, advice.text)
                cures.add(cure.commands)
    assert {lines: words for lines in cures if (words := unread_by_bash("\n".join(lines)))} == {}


def test_bash_reads_every_cure_of_what_was_recorded():
    told = {}
    for name in recordings():
        for finding in verdict(name).findings:
            assert not finding.explains or finding.id == "unknown" or finding.cure, (name, finding.id)
            cure = finding.cure
            assert not cure or cure.ready or cure.kind in ("edit", "outside"), (name, finding.id)
            told["\n".join(cure.commands) if cure else ""] = (name, finding.id)
    assert [where for lines, where in told.items() if "<" in lines.replace("< ~/", "")] == []
    assert {where: words for lines, where in told.items() if (words := unread_by_bash(lines))} == {}


def unread_by_bash(lines):
    """What bash has against these lines."""
    return subprocess.run(["bash", "-n"], input=lines, capture_output=True, text=True, check=False).stderr


def test_a_variable_whose_option_was_typed_is_no_cure():
    found = recordings()["fewer-epochs-than-asked"]
    assert judge(found).findings[0].cure.ready
    request = found.request.model_copy(update={"typed": ("HARNESS_WANDB_EXPECT_POINTS",)})
    first = judge(found.model_copy(update={"request": request})).findings[0]
    assert not first.cure.ready
    assert any("\n  --expect-points " in text for text in first.advice)
