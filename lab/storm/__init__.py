"""Hard conditions: interruptions, hostile surroundings, endurance; each a command that prints its table."""
