"""The exit codes of `pytest checks` and of the commands that judge, by verdict; 4 (wrong usage) is pytest's own."""

EXIT = {"passed": 0, "failed": 1, "inconclusive": 10}
