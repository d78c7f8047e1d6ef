"""What a script's text says of how it logs: frameworks, their loggers, intervals, and calls of its own."""

import pytest

from harness.evidence.setup.script.look import script_look

LIGHTNING = "import lightning as L\nfrom lightning.pytorch.loggers import WandbLogger\n"
HF = "from transformers import Trainer, TrainingArguments\n"
ACCELERATE = "from accelerate import Accelerator\n"
BOARD = "import wandb\nfrom torch.utils.tensorboard import SummaryWriter\n"


def look(tmp_path, text):
    script = tmp_path / "train.py"
    script.write_text(text)
    return script_look(script)


@pytest.mark.parametrize(
    ("text", "framework", "attached"),
    [
        (LIGHTNING + "L.Trainer(logger=WandbLogger(project='p'))", "lightning", True),
        (LIGHTNING + "logger = WandbLogger()\nL.Trainer(max_epochs=5, logger=logger)", "lightning", True),
        (LIGHTNING + "logger = WandbLogger()\nL.Trainer(max_epochs=5)", "lightning", False),
        (LIGHTNING + "logger = WandbLogger()\nL.Trainer(logger=False)", "lightning", False),
        (LIGHTNING + "options = {'logger': WandbLogger()}\nL.Trainer(**options)", "lightning", True),
        ("import pytorch_lightning as pl\npl.Trainer()", "lightning", False),
        ("from lightning.fabric import Fabric\nFabric()", "fabric", False),
        (HF + "TrainingArguments(report_to='wandb')", "transformers", True),
        (HF + "TrainingArguments(report_to=['tensorboard', 'wandb'])", "transformers", True),
        (HF + "TrainingArguments(report_to='all')", "transformers", True),
        (HF + "TrainingArguments(report_to='none')", "transformers", False),
        ('"""With report_to="wandb"."""\n' + HF + "TrainingArguments()", "transformers", False),
        (HF + "# report_to='wandb'\nTrainingArguments()", "transformers", False),
        (LIGHTNING + "L.Trainer(logger=CSVLogger('logs'))", "lightning", False),
        (LIGHTNING + "logger = CSVLogger('logs')\nL.Trainer(logger=[logger])", "lightning", False),
        (LIGHTNING + "L.Trainer(logger=[CSVLogger('logs'), WandbLogger()])", "lightning", True),
        (LIGHTNING + "L.Trainer(logger=WandbLogger() if rank == 0 else False)", "lightning", True),
        (LIGHTNING + "def fit(logger):\n    L.Trainer(logger=logger)\nfit(WandbLogger())", "lightning", True),
        (LIGHTNING + "L.Trainer(logger=instantiate(conf.logger))", "lightning", True),
        (ACCELERATE + "a = Accelerator(log_with='wandb')\na.init_trackers('p')", "accelerate", True),
        (ACCELERATE + "a = Accelerator(log_with='wandb')\na.log({'loss': 1})", "accelerate", False),
        ("import deepspeed\ndeepspeed.initialize(config={'wandb': {'enabled': True}})", "deepspeed", True),
        ("import deepspeed\ndeepspeed.initialize(config={'wandb': {'enabled': False}})", "deepspeed", False),
        (ACCELERATE + "Accelerator(cpu=True)", "accelerate", False),
        ("from ignite.engine import Engine\nEngine(f)", "ignite", False),
        (BOARD + "wandb.init(sync_tensorboard=True)\nSummaryWriter('x')", "tensorboard", True),
        (BOARD + "wandb.init()\nSummaryWriter('x')", "tensorboard", False),
    ],
)
def test_a_framework_and_whether_it_logs_to_wandb(tmp_path, text, framework, attached):
    found = look(tmp_path, text)
    assert found.frameworks == (framework,)
    assert found.attached == ((framework,) if attached else ())


def test_a_framework_that_only_lends_a_model_trains_nothing(tmp_path):
    assert look(tmp_path, "from transformers import BertModel\nBertModel.from_pretrained('x')").frameworks == ()


@pytest.mark.parametrize(
    ("text", "logs"),
    [
        ("import wandb\nwandb.log({'loss': 1})", True),
        ("import wandb as w\nw.log({'loss': 1})", True),
        ("import wandb\nwith wandb.init() as r:\n    r.log({'loss': 1})", True),
        ("import wandb\nclass T:\n    def f(self):\n        self.w = wandb.init(); self.w.log({'loss': 1})", True),
        ("def step(self):\n    self.log('loss', 1)", False),
        ("accelerator.log({'loss': 1})", False),
        ("import wandb\ndef never_called():\n    wandb.log({'loss': 1})", False),
    ],
)
def test_a_log_of_the_scripts_own(tmp_path, text, logs):
    assert look(tmp_path, text).logs_itself is logs


def test_intervals_and_names_of_scalars(tmp_path):
    text = (
        BOARD + "w = SummaryWriter()\nw.add_scalar('Loss/train', 1, 0)\nw.add_scalar(name, 1, 0)\n"
        "f(logging_steps=5)\nf(logging_strategy='no')"
    )
    found = look(tmp_path, text)
    assert found.scalars == ("Loss/train",)
    assert (found.log_every, found.logging_strategy) == ({"logging_steps": 5}, "no")


@pytest.mark.parametrize("text", ["import wandb\nwandb.agent(s, f)", "import wandb\nwandb.sweep({})"])
def test_an_agent_of_the_scripts_own(tmp_path, text):
    assert look(tmp_path, text).runs_agent


def test_a_module_beside_the_script_counts(tmp_path):
    (tmp_path / "tracking.py").write_text(LIGHTNING + "L.Trainer(logger=WandbLogger())")
    assert look(tmp_path, "import tracking").attached == ("lightning",)


def test_a_function_that_another_module_calls_is_called(tmp_path):
    (tmp_path / "tracking.py").write_text("import wandb\ndef tell(loss):\n    wandb.log({'loss': loss})")
    assert look(tmp_path, "import tracking\ntracking.tell(1)").logs_itself


def test_no_script_and_no_python_say_nothing(tmp_path):
    assert script_look(None).frameworks == ()
    assert look(tmp_path, "#!/bin/bash\nsrun python train.py\n").frameworks == ()
