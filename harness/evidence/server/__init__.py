"""Reading the server through the W&B public API, in a process of its own."""
