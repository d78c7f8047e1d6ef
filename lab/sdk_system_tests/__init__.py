"""wandb's own system tests, played against the embedded server."""
