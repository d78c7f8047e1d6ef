"""Hugging Face Trainer with report_to="wandb"; project, model and gradients by W&B's variables."""

import os

import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

os.environ["WANDB_PROJECT"] = "trainer-demo"
os.environ["WANDB_LOG_MODEL"] = "false"
os.environ["WANDB_WATCH"] = "all"


class Toy(Dataset):
    def __init__(self, n, seed):
        self.x = torch.randint(5, 100, (n, 16), generator=torch.Generator().manual_seed(seed))
        self.y = (self.x[:, 0] > 50).long()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {"input_ids": self.x[i], "attention_mask": torch.ones(16, dtype=torch.long), "labels": self.y[i]}


def compute_metrics(p):
    return {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())}


def main():
    config = BertConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, num_labels=2
    )
    args = TrainingArguments(
        output_dir="out",
        run_name="tiny-bert",
        report_to="wandb",
        use_cpu=True,
        num_train_epochs=3,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=2,
        learning_rate=1e-3,
        logging_steps=5,
        eval_strategy="epoch",
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=BertForSequenceClassification(config),
        args=args,
        train_dataset=Toy(256, 0),
        eval_dataset=Toy(64, 1),
        compute_metrics=compute_metrics,
    )
    trainer.train()
    trainer.evaluate()


if __name__ == "__main__":
    main()
