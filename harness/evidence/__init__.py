"""What happened, as typed plain data, and the collectors that gather it."""
