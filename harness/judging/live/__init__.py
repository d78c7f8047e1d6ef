"""A job that still runs: its signs of life, its own rhythm, and where the layers part."""
