"""Reads a W&B transaction log (`.wandb`) of any SDK version, however damaged, in bounded memory.

`models.LocalLog` is the result, `reader.read_wandb_log(path)` makes it; nothing is imported here, for the models
are needed where reading is not.
"""
