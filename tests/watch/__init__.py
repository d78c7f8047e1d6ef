"""Tests of watching: by a simulated clock, and a few with real runs."""
