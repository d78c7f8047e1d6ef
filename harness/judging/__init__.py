"""Pure rules from evidence to findings, and the catalogue of faults."""
