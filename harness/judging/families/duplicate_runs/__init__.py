"""Duplicate runs."""
