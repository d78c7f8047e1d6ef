"""Counts the lines of the captured console output."""


class Console:
    """The console output of a run: the SDK records pieces of stdout and stderr, not lines."""

    def __init__(self) -> None:
        self._whole = 0
        self._open = [False, False]

    def add(self, *, is_stdout: bool, text: str) -> None:
        """Take a piece of output."""
        self._whole += text.count("\n")
        if text:
            self._open[is_stdout] = not text.endswith("\n")

    @property
    def lines(self) -> int:
        """How many lines there are; one without its end counts."""
        return self._whole + sum(self._open)
