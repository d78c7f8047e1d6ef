"""Two faults at the same time: every pair of recorded evidence, merged and judged."""
