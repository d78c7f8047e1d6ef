"""What checks speak of: the setup, the job, the runs, their metrics; each a view of the evidence."""
