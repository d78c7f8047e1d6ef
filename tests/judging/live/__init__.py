"""Tests of how a running job is judged."""
