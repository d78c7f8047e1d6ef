"""Hugging Face Trainer that goes on after a requeue: the run of the Slurm job, and the last checkpoint."""

import os
import signal
import sys
import time

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

os.environ["WANDB_PROJECT"] = "trainer-requeue"
if "SLURM_JOB_ID" in os.environ:
    os.environ["WANDB_RUN_ID"] = os.environ["SLURM_JOB_ID"]
os.environ["WANDB_RESUME"] = "allow"
rows = [
    {"input_ids": torch.randint(5, 100, (16,)), "attention_mask": torch.ones(16, dtype=torch.long), "labels": n % 2}
    for n in range(64)
]


class Slowly(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        time.sleep(0.5)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    config = BertConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, num_labels=2
    )
    args = TrainingArguments(
        output_dir="out",
        report_to="wandb",
        use_cpu=True,
        num_train_epochs=1,
        per_device_train_batch_size=4,
        logging_steps=2,
        save_steps=2,
        disable_tqdm=True,
    )
    trainer = Trainer(model=BertForSequenceClassification(config), args=args, train_dataset=rows, callbacks=[Slowly()])
    last = get_last_checkpoint("out") if os.path.isdir("out") else None
    trainer.train(resume_from_checkpoint=last)


if __name__ == "__main__":
    main()
