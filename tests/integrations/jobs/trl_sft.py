"""TRL's SFTTrainer with report_to="wandb", a tiny model and a tokenizer of its own: nothing is downloaded."""

from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer


def main():
    words = {"<pad>": 0, "<eos>": 1, "<unk>": 2, **{f"w{i}": i + 3 for i in range(50)}}
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")
    texts = [" ".join(f"w{(i + k) % 50}" for k in range(12)) for i in range(128)]
    model = GPT2LMHeadModel(GPT2Config(vocab_size=53, n_positions=32, n_embd=32, n_layer=2, n_head=2))
    args = SFTConfig(
        output_dir="out",
        report_to="wandb",
        use_cpu=True,
        bf16=False,
        max_length=16,
        num_train_epochs=2,
        per_device_train_batch_size=8,
        logging_steps=2,
        save_strategy="no",
        disable_tqdm=True,
    )
    SFTTrainer(
        model=model, args=args, train_dataset=Dataset.from_dict({"text": texts}), processing_class=tokenizer
    ).train()


if __name__ == "__main__":
    main()
