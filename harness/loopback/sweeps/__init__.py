"""Sweeps: their configuration, what is tried next, and the agents that try it."""
