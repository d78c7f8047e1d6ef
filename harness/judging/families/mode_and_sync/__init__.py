"""Mode and sync."""
