"""Rehearsals: the job again, with an outage or a requeue played on it."""
