"""Reads a W&B transaction log (`.wandb`) of any SDK version, however damaged, in bounded memory."""
