"""Tests of what checks speak of."""
