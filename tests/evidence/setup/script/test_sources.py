"""What a job script brings along is read with it; what is installed, or is not there, is not."""

import pytest

from harness.evidence.redaction.redactor import Redactor
from harness.evidence.setup.script.mode import script_mode, script_mode_words
from harness.evidence.setup.script.names import script_mentions_key
from harness.evidence.setup.script.notes import script_notes
from harness.evidence.setup.script.sources import read_sources

KEY = 'import os\nos.environ["WANDB_API_KEY"] = open("key").read()\n'


def write(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / next(iter(files)).replace("_dot_", ".")


BROUGHT = {
    "a module": {"train_dot_py": "import keys\n", "keys_dot_py": KEY},
    "a package's module": {"train_dot_py": "from lib import keys\n", "lib__keys_dot_py": KEY},
    "a module of a module": {
        "train_dot_py": "import lib.run\n", "lib__run_dot_py": "from . import keys\n", "lib__keys_dot_py": KEY,
    },
    "dotenv": {"train_dot_py": "import dotenv; dotenv.load_dotenv()\n", "_dot_env": "WANDB_API_KEY=x\n"},
    "a named file": {"train_dot_py": 'load("conf/my.env")\n', "conf__my_dot_env": "WANDB_API_KEY=x\n"},
    "a sourced file": {"job_dot_sh": "#!/bin/bash\nsource ./env\nsrun x\n", "env": "export WANDB_API_KEY=$(cat k)\n"},
    "a script that is run": {"job_dot_sh": "#!/bin/bash\nsrun python train.py\n", "train_dot_py": KEY},
}  # fmt: skip


@pytest.mark.parametrize("files", BROUGHT.values(), ids=BROUGHT)
def test_a_key_may_be_set_in_what_the_script_brings_along(tmp_path, files):
    assert script_mentions_key(write(tmp_path, **files))


@pytest.mark.parametrize("text", ["import keys_elsewhere\n", "import netrc, wandb\n", "def broken(:\n", ""])
def test_the_rest_is_not_read(tmp_path, text):
    (tmp_path / "keys.py").write_text(KEY)
    assert len(read_sources(write(tmp_path, train_dot_py=text))) == 1
    assert not script_mentions_key(tmp_path / "train.py")


def test_modules_that_import_each_other_are_read_once(tmp_path):
    script = write(tmp_path, train_dot_py="import a\n", a_dot_py="import b, train\n", b_dot_py="import a\n")
    assert len(read_sources(script)) == 3


def test_no_script():
    assert read_sources(None) == ()


def test_a_mode_elsewhere_takes_the_certainty_from_the_scripts_own(tmp_path):
    script = write(tmp_path, train_dot_py='import a, wandb\nwandb.init(mode="offline")\n', a_dot_py="import wandb\n")
    assert script_mode(script).literal == "offline"
    (tmp_path / "a.py").write_text('import os\nos.environ["WANDB_MODE"] = "online"\n')
    assert (script_mode(script).mentioned, script_mode(script).literal) == (True, None)


def test_arguments_from_elsewhere_may_hold_a_mode(tmp_path):
    mode = script_mode(write(tmp_path, train_dot_py="import wandb\nwandb.init(**config)\n"))
    assert (mode.mentioned, mode.literal) == (True, None)


def test_words_for_a_mode_are_found_wherever_they_stand(tmp_path):
    script = write(tmp_path, train_dot_py='load("c.yaml")  # offline\n', c_dot_yaml="mode: disabled\n")
    (tmp_path / "c.yaml").write_text("# online\nmode: disabled\n")
    assert script_mode_words(script) == ("disabled", "offline")


NOTED = {
    'import wandb\nif os.environ["RANK"] == 0:\n    wandb.init()': ("init_never_reached", "text_compared_with_number"),
    'if os.environ["RANK"] == 0: pass': "text_compared_with_number",
    'if os.environ.get("RANK", 0) == 0: pass': "text_compared_with_number",
    'rank = os.getenv("RANK")\nif rank == 0: pass': "text_compared_with_number",
    "try:\n    wandb.init()\nexcept Exception: pass": "init_error_swallowed",
    'import wandb\nwandb.init(mode="disabled").finish()\nwandb.init()': "disabled_beside_others",
    'import wandb\nwandb.init(mode="disabled")': None,
    'import wandb\nif rank:\n    wandb.init(mode="disabled")\nelse:\n    wandb.init()': None,
    "import wandb as w\nw.Api().run(path)": "reads_runs",
    "import other\nother.Api()": None,
    'if int(os.environ["RANK"]) == 0: pass': None,
    'if os.environ["RANK"] == "0": pass': None,
    "try:\n    wandb.init()\nexcept Exception:\n    raise": None,
    "try:\n    other()\nexcept Exception: pass": None,
    "import wandb\nwandb.log(a, commit=False)\nwandb.log(b, commit=False)": "log_never_commits",
    "import wandb\nrun = wandb.init()\nrun.log(a, commit=False)\nrun.log(b)": None,
    "import wandb\ndef unused():\n    wandb.log(b)\nwandb.log(a, commit=False)": "log_never_commits",
    "import wandb\ndef used():\n    wandb.log(b)\nused(); wandb.log(a, commit=False)": None,
    "import wandb\nwandb.log(a, step=0)\nwandb.log(b, step=0)": "log_always_same_step",
    "import wandb\nwandb.log(a, step=0)\nwandb.log(b, step=1)": None,
    "import wandb\nwandb.log(a, step=e)": None,
    'assert int(os.environ["WORLD_SIZE"]) == 8': "expects_world_size",
    'world = int(os.environ["WORLD_SIZE"])\nassert world == 8': "expects_world_size",
    "if dist.get_world_size() != 4:\n    raise ValueError": "expects_world_size",
    "if dist.get_world_size() > 1:\n    train()": None,
    "assert batch == 8": None,
    "import sys\ndata = sys.argv[1]": "reads_argument",
    "import sys\nname = sys.argv[0]; rest = sys.argv[1:]": None,
}


@pytest.mark.parametrize(("text", "kind"), NOTED.items())
def test_lines_after_which_a_run_may_be_missing_or_folders_lie_about(tmp_path, text, kind):
    notes = script_notes(write(tmp_path, train_dot_py=text), Redactor())
    assert tuple(note.kind for note in notes) == ((kind,) if isinstance(kind, str) else kind or ())


@pytest.mark.parametrize("key", ["0123456789abcdef" * 2 + "01234567", "a-secret-of-mine"])
@pytest.mark.parametrize("column", range(80, 125, 5))
def test_a_line_is_cut_after_its_secrets_are_gone(tmp_path, key, column):
    line = "wandb.Api(".ljust(column) + f'put("{key}"))'
    (note,) = script_notes(write(tmp_path, train_dot_py=f"import wandb\n\f\n{line}"), Redactor(["a-secret-of-mine"]))
    assert note.line == 3
    assert note.text.startswith("wandb.Api(")
    assert key[:8] not in note.text
