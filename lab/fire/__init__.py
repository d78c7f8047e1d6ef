"""The harness under fire: its own requests go wrong, keys lie everywhere, names are hostile."""
