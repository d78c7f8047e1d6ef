"""What the verification is doing right now, told to whoever shows it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass
class Moment:
    """The state of the live view; changes as the job goes on."""

    phase: str = "preflight"
    """A few words; after a colon, why it is so."""
    started_s: float = 0.0
    epoch: int | None = None
    loss: float | None = None
    run_url: str | None = None
    first_point_s: float | None = None
    first_system_metric_s: float | None = None


class Progress(Protocol):
    """Shows moments; called often, so it decides itself what is worth showing."""

    def show(self, moment: Moment) -> None:
        """Show where things stand."""


class Silent:
    """Shows nothing."""

    def show(self, moment: Moment) -> None:
        """Keep silent."""


class Remembering:
    """Shows by another, and keeps the last moment: an interruption tells it."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self.last: Moment | None = None

    def show(self, moment: Moment) -> None:
        """Keep it, and show it."""
        self.last = moment
        self._shown.show(moment)
