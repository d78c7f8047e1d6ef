"""Edits of a user's script: what is mended, what stays as it was written, and what is left alone."""

import ast
import shlex

import pytest

from harness.judging.cures.edits import EDITS

SCRIPT = '''\
"""My training."""
from __future__ import annotations
import wandb  # the tracker


def main():
    run = wandb.init(
        project="vit",   # ours
        mode="offline",
    )
    for e in range(3):
        run.log({"loss": loss, "acc": acc}, step=e)
    run.finish()


main()
'''


APART = """\
run.log({'a': 1}, step=2)
with open("b.txt", "w") as file:
    file.write(str(x))
run.log_artifact("b.txt", name="b", type="dataset")
"""
LOSS = "print(f'Loss: {x}')"
PRINTED = """\
import wandb
for e in range(3):
    print(f"{e}, train loss: {x.item():.3f}")
    print(f"Accuracy: {100 * n / m}%")
    f(e)
"""
PRINTED_AND_LOGGED = PRINTED.replace(
    "    f(e)",
    """\
    if wandb.run is not None:
        wandb.log({"train_loss": x.item(), "acc": 100 * n / m})
    f(e)""",
)
FIRST = 'os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"'
BEGUN = f'wandb.init(project="vit", mode=None if {FIRST} else "disabled")'
CAUGHT = """\
except (wandb.errors.Error, ValueError) as error:
    print(f'wandb.Api(): {error}')
"""
LOCAL = "int(os.environ.get('LOCAL_RANK', os.environ.get('SLURM_LOCALID', 0)))"
GPU = f'f"cuda:{{{LOCAL} % max(torch.cuda.device_count(), 1)}}"'
OFFLINE_AT_NEED = """\
# here
try:
    run = wandb.init(settings=s)
except wandb.errors.CommError:
    wandb.teardown()
    run = wandb.init(settings=s, mode="offline")
with run:
    f(run)"""
GUARDED = """\
if __name__ == "__main__":
    run = wandb.init()
def f(): pass
if __name__ == "__main__":
    train()
    run.finish()"""
WITH_LOGGER = """\
import lightning as L
from lightning.pytorch.loggers import WandbLogger
t = L.Trainer(max_epochs=3, logger=WandbLogger(project="vit"))"""


def edited(edit, text):
    name, *arguments = shlex.split(edit)
    return EDITS[name](text, *arguments)


@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        ("mode_online", "run = wandb.init(project='p', mode='offline')", "run = wandb.init(project='p')"),
        ("mode_online", "wandb.init(mode=MODE, project='p')", "wandb.init(project='p')"),
        ("mode_online", "wandb.init(settings=wandb.Settings(mode='offline'))", "wandb.init(settings=wandb.Settings())"),
        ("mode_online", 'os.environ["WANDB_MODE"] = "offline"\nwandb.init()', "wandb.init()"),
        ("mode_online", "wandb.init(project='p')", "wandb.init(project='p', mode=\"online\")"),
        ("mode_online", "wandb.init(**options)", "wandb.init(**options)"),
        ("log_every logging_steps 5", "a = TrainingArguments('o')", "a = TrainingArguments('o', logging_steps=5)"),
        ("log_every log_every_n_steps 5", "Trainer()\nTrainer()", "Trainer()\nTrainer()"),
        (
            "log_every logging_steps 5", "TrainingArguments(logging_strategy='no')",
            'TrainingArguments(logging_strategy="steps", logging_steps=5)',
        ),
        (
            "attach_logger accelerate p",
            "a, b = Accelerator(), 1\n",
            'a, b = Accelerator(log_with="wandb"), 1\na.init_trackers("p")\n',
        ),
        (
            "attach_logger accelerate p",
            "a = Accelerator()\nr = wandb.init(project=P,\n    id=N)\n",
            'a = Accelerator(log_with="wandb")\na.init_trackers(P, init_kwargs={"wandb": dict(id=N)})\nr = wandb.run\n',
        ),
        (
            "attach_logger accelerate p",
            "if 1:\n    a = Accelerator()\n    wandb.init()\n",
            'if 1:\n    a = Accelerator(log_with="wandb")\n    a.init_trackers("p")\n',
        ),
        *(
            ("attach_logger accelerate p", text, text)
            for text in (
                "run = wandb.init()\na = Accelerator()\n",
                "a = Accelerator()\nwith wandb.init() as run: pass\n",
                "a = Accelerator()\nwandb.init(ENTITY)\n",
                "a = Accelerator()\nwandb.init()\nwandb.init()\n",
            )
        ),
        ("log_apart b", "run.log({'a': 1, 'b': x}, step=2)\n", APART),
        ("log_apart b", "run.log({'b': x})", "run.log({'b': x})"),
        ("log_apart b", "run.log(rows)", "run.log(rows)"),
        ("log_printed", PRINTED, PRINTED_AND_LOGGED),
        ("log_printed acc", "print(f'Loss: {x}')", "print(f'Loss: {x}')"),
        ("log_printed", "print(f'Loss: {f(x)}, {loss}')", "print(f'Loss: {f(x)}, {loss}')"),
        ("begin_run vit", f"def main():\n    {LOSS}\nmain()\n", (f"import os\nimport wandb\ndef main():\n    {LOSS}\n"
         f'    if wandb.run is not None:\n        wandb.log({{"loss": x}})\n{BEGUN}\nmain()\n')),
        ("begin_run vit", f"{LOSS}\n", f"{LOSS}\n"),
        ("begin_run vit", "for e in x: f(e)\n", "for e in x: f(e)\n"),
        ("survive_reading", "a = 1; wandb.Api().run(p)\nf()\n", f"a = 1\ntry:\n    wandb.Api().run(p)\n{CAUGHT}f()\n"),
        ("survive_reading", "r = wandb.Api().run(p)\nb = 1\ng(r)\nf()\n",
         f"try:\n    r = wandb.Api().run(p)\n    b = 1\n    g(r)\n{CAUGHT}f()\n"),
        *(
            ("survive_reading", text, text)
            for text in (
                "def f():\n    return wandb.Api().run(p)\n",
                "try:\n    wandb.Api().run(p)\nexcept E: pass\n",
                "wandb.Api().run(p)\nif a:\n    wandb.Api().run(q)\n",
                "if a:\n    r = wandb.Api().run(p)\nf(r)\n",
            )
        ),
        ("on_gpu", "import os, torch\ndevice = 'cpu'\n", f"import os, torch\ndevice = {GPU}\n"),
        ("on_gpu", "import os, torch\nd.device = torch.device('cpu')\n",
         f"import os, torch\nd.device = torch.device({GPU})\n"),
        ("on_gpu", "device = 'cpu'\nif a: device = 'cpu'\n", "device = 'cpu'\nif a: device = 'cpu'\n"),
        ("on_gpu", "x = x.to('cpu')\nwhere = 'cpu'\n", "x = x.to('cpu')\nwhere = 'cpu'\n"),
        ("as_mean a", "run.log({'a': t, 'b': 1})", "run.log({'a': float(t.mean()), 'b': 1})"),
        ("as_mean a", "run.log({'a': t - 1})", "run.log({'a': float((t - 1).mean())})"),
        (
            "as_mean a",
            "run.log({'a': wandb.Histogram(x), 'b': 1})",
            "import numpy\nrun.log({'a': float(numpy.mean(x)), \"a_histogram\": wandb.Histogram(x), 'b': 1})",
        ),
        *(
            ("as_mean a", text, text)
            for text in (
                "run.log({'a': wandb.Histogram(f(x))})",
                "run.log({'a': wandb.Histogram(np_histogram=h)})",
                "run.log(a)",
            )
        ),
        (
            "attach_logger accelerate p",
            "x[0] = Accelerator()\n",
            'x[0] = Accelerator(log_with="wandb")\nx[0].init_trackers("p")\n',
        ),
        (
            "clip_gradients",
            "import torch\no=A(m.parameters())\nif 1:\n o.step()",
            "import torch\no=A(m.parameters())\nif 1:\n torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)\n o.step()",
        ),
        ("clip_gradients", "o = A(m.parameters())\no.step(); o.step()", "o = A(m.parameters())\no.step(); o.step()"),
        ("drop_argument entity", "wandb.init(entity='x')", "wandb.init()"),
        ("set_argument resume '\"allow\"' id", "wandb.init(id='a')", "wandb.init(id='a', resume=\"allow\")"),
        ("set_argument resume '\"allow\"' id", "wandb.init()", "wandb.init()"),
        ("resume_afresh", "wandb.init(id='a')", 'wandb.init(id="a-2", resume="allow")'),
        ("resume_afresh", "wandb.init(id=name)", "wandb.init(id=name)"),
        ("project_alone", "wandb.init(project='me/vit')", 'wandb.init(project="vit")'),
        ("clean_id", "wandb.init(id='123:4')", 'wandb.init(id="123-4")'),
        ("clean_id", "wandb.init(id=name())", "wandb.init()"),
        ("shorten_argument name 128", "wandb.init(name=long)", "wandb.init(name=long[:128])"),
        ("shorten_argument tags 64", "wandb.init(tags=t)", "wandb.init(tags=[tag[:64] for tag in t])"),
        ("shorten_argument id 128", "wandb.init(id='i' * 129)", "wandb.init(id=('i' * 129)[:128])"),
        ("allow_config_change", "run.config.update(c)", "run.config.update(c, allow_val_change=True)"),
        (
            "allow_config_change", "run.config.lr = 1; f()",
            'run.config.update({"lr": 1}, allow_val_change=True); f()',
        ),
        (
            "allow_config_change", 'run.config["lr"] = 1',
            'run.config.update({"lr": 1}, allow_val_change=True)',
        ),
        ("without_require", 'import wandb\nwandb.require("core")', "import wandb"),
        ("known_setting bad", "wandb.Settings(bad=1, console='off')", "wandb.Settings(console='off')"),
        ("known_setting _a_b", "wandb.Settings(_a_b=1)", "wandb.Settings(x_a_b=1)"),
        ("without_disabled_run", "wandb.init(mode='disabled').finish()\nf()", "f()"),
        ("forget_variable A", "if x:\n    os.environ.pop('A', None)", "if x:\n    pass"),
        ("forget_variable A", "del os.environ['A']; f()", "f()"),
        ("forget_variable A", "os.environ.update(A='1', B='2')", "os.environ.update(A='1', B='2')"),
        ("forget_variable A", "if x: os.environ['A'] = '1'", "if x:\n    pass"),
        ("strip_variable A", "os.environ['A'] = f.read()", "os.environ['A'] = f.read().strip()"),
        ("strip_variable A", "os.environ['A'] = a + b", "os.environ['A'] = (a + b).strip()"),
        ("login_without_key", "wandb.login(key=K, relogin=True)", "wandb.login(relogin=True)"),
        ("rename_metric train_loss=loss", "run.log({'train_loss': x})", "run.log({'loss': x})"),
        ("rename_metric train_loss=loss", "log(dict(train_loss=x))", "log(dict(loss=x))"),
        ("rename_metric train.loss=loss", "run.log({'train': {'loss': x}})", 'run.log({"loss": x})'),
        ("drop_step", "run.log({'a': 1}, step=e)", "run.log({'a': 1, \"e\": e})"),
        ("drop_step", "run.log(row(), step=e)", 'run.log({**row(), "e": e})'),
        ("drop_step", "run.log(row, step=2 * e)", "run.log(row)"),
        ("commit_rows", "run.log(row, commit=False)", "run.log(row)"),
        ("commit_constant_rows", "run.log(row, step=0)", "run.log(row)"),
        ("commit_constant_rows", "run.log(row, step=e)", "run.log(row, step=e)"),
        ("as_number loss", "run.log({'loss': f'tensor({x})'})", "run.log({'loss': float(x)})"),
        ("as_number loss", "run.log({'loss': str(x)})", "run.log({'loss': float(x)})"),
        ("as_number loss", "run.log({'loss': None})", "run.log({'loss': None})"),
        ("as_dictionary loss", "run.log(a / b)", 'run.log({"loss": a / b})'),
        ("log_where_a_run_is", "if r: wandb.log(x)", "if r:\n    if wandb.run is not None:\n        wandb.log(x)"),
        ("finish_later", "run.finish(); run.log(x)", "run.log(x)"),
        ("finish_before_exit", "os._exit(0)", "wandb.finish(); os._exit(0)"),
        (
            "finish_before_exit", "def work():\n    run = wandb.init()\n    f(run)",
            "def work():\n    run = wandb.init()\n    f(run)\n    wandb.finish()",
        ),
        ("resume_by_job", "import os\no = {'id': i}\nwandb.init(**o)", "import os\no = {'id': i}\nwandb.init(**o)"),
        ("with_setting a 9", "wandb.init(id='x')", "wandb.init(id='x', settings=wandb.Settings(a=9))"),
        ("with_setting a 9", "s = wandb.Settings(a=20)\nwandb.init(settings=s)",
         "s = wandb.Settings(a=9)\nwandb.init(settings=s)"),
        ("with_setting a 9", "wandb.Settings(a=4)", "wandb.Settings(a=4)"),
        ("with_setting a 9", "wandb.init(**options)", "wandb.init(**options)"),
        ("with_setting a 9", "o = dict(id='x')\nwandb.init(**o)",
         "o = dict(id='x')\nwandb.init(**o, settings=wandb.Settings(a=9))"),
        ("with_setting a 9", "o = {'settings': s}\nwandb.init(**o)", "o = {'settings': s}\nwandb.init(**o)"),
        ("with_setting a 9", "o = {}\no.update(f())\nwandb.init(**o)", "o = {}\no.update(f())\nwandb.init(**o)"),
        ("offline_at_need 9", "# here\nwith wandb.init(settings=s) as run:\n    f(run)", OFFLINE_AT_NEED),
        ("offline_at_need 9", "wandb.init(**options)", "wandb.init(**options)"),
        ("offline_at_need 9", "try: wandb.init()\nexcept E: f()", "try: wandb.init()\nexcept E: f()"),
        ("offline_for_disabled", "try: f()\nexcept E: r = wandb.init(mode='disabled')",
         'try: f()\nexcept E: r = wandb.init(mode="offline")'),
        ("offline_for_disabled", "wandb.init(mode='disabled')", "wandb.init(mode='disabled')"),
        ("without_wait", "run.log_artifact(a).wait(9)", "run.log_artifact(a)"),
        ("without_wait", "a = run.log_artifact(x)\na.wait(); f()\nx.wait()\nq.wait()",
         "a = run.log_artifact(x)\nf()\nq.wait()"),
        ("without_wait", "p = run.use_artifact(x).wait()", "p = run.use_artifact(x).wait()"),
        ("one_init", "run = wandb.init()\nb = wandb.init(project='b')", "run = wandb.init()\nb = wandb.run"),
        ("rank_as_number", "if os.environ['RANK'] == 0: f()", "if int(os.environ['RANK']) == 0: f()"),
        (
            "rank_from_slurm", 'rank = int(os.environ.get("RANK", 0))',
            'rank = int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", 0)))',
        ),
        (
            "main_guard", "run = wandb.init()\ndef f(): pass\ntrain()\nrun.finish()",
            GUARDED,
        ),
        ("without_limits", "resource.setrlimit(resource.RLIMIT_AS, (1, 1))\nf()", "f()"),
        ("log_every logging_steps 5", "TrainingArguments(logging_steps=500)", "TrainingArguments(logging_steps=5)"),
        (
            "attach_logger transformers", "a = TrainingArguments(output_dir='o')",
            "a = TrainingArguments(output_dir='o', report_to=\"wandb\")",
        ),
        (
            "attach_logger lightning vit", "import lightning as L\nt = L.Trainer(max_epochs=3)",
            WITH_LOGGER,
        ),
        (
            "attach_logger accelerate vit", "acc = Accelerator()",
            'acc = Accelerator(log_with="wandb")\nacc.init_trackers("vit")',
        ),
    ],
)  # fmt: skip
def test_an_edit(edit, before, after):
    assert edited(edit, before + "\n") == after + "\n"


@pytest.mark.parametrize("edit", ["one_writer", "one_writer resume", "resume_by_job"])
def test_what_needs_os_imports_it_behind_docstring_and_future(edit):
    changed = edited(edit, SCRIPT)
    assert changed.startswith('"""My training."""\nfrom __future__ import annotations\nimport os\nimport wandb  # the')
    ast.parse(changed)


def test_comments_and_layout_stay():
    changed = edited("mode_online", SCRIPT)
    assert changed == SCRIPT.replace('        mode="offline",\n', "")


def test_an_argument_that_is_added_keeps_to_lines_of_its_own():
    changed = edited("set_argument resume '\"allow\"'", SCRIPT)
    assert '        mode="offline",\n        resume="allow",\n    )' in changed


def test_on_other_ranks_than_the_first_a_run_is_disabled():
    changed = edited("one_writer", "import os\nimport wandb\nwandb.init(project='p')\n")
    assert changed.endswith(f"wandb.init(project='p', mode=None if {FIRST} else \"disabled\")\n")


@pytest.mark.parametrize("text", ["#!/bin/bash\nsrun python train.py\n", "def broken(:\n", "", "print(1)\n"])
def test_what_an_edit_does_not_know_it_leaves_alone(text):
    arguments = {
        "drop_argument": ["mode"], "set_argument": ["a", "1"], "shorten_argument": ["name", "64"],
        "known_setting": ["a"], "forget_variable": ["A"], "strip_variable": ["A"], "rename_metric": ["a=b"],
        "as_number": ["a"], "as_mean": ["a"], "as_dictionary": ["a"], "attach_logger": ["lightning"],
        "log_every": ["a", "1"], "log_apart": ["a"], "with_setting": ["a", "1"], "offline_at_need": ["9"],
    }  # fmt: skip
    told = {name: edit(text, *arguments.get(name, [])) for name, edit in EDITS.items()}
    # The handler needs nothing but a script.
    assert {name for name, after in told.items() if after != text} <= {"exit_on_sigterm"}
