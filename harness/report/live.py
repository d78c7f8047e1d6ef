"""The live view: a line that changes on a terminal, one plain line per change of state elsewhere."""

import sys
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from harness.progress import Moment, Progress, Silent

if TYPE_CHECKING:
    import pytest

EVERY_S = 0.25


def line(moment: Moment) -> str:
    """Put a moment into one line of at most 80 columns."""
    parts = [moment.phase, f"{moment.started_s:.0f} s"]
    if moment.epoch is not None:
        parts.append(f"epoch {moment.epoch}" + (f", loss {moment.loss:.3g}" if moment.loss is not None else ""))
    if moment.first_point_s is not None:
        parts.append(f"point seen {moment.first_point_s:.0f} s")
    if moment.first_system_metric_s is not None:
        parts.append(f"system seen {moment.first_system_metric_s:.0f} s")
    return " | ".join(parts)[:79]


class PlainLines:
    """Writes a line for each change of phase, epoch or sight; for CI logs and pipes."""

    def __init__(self, write: Any) -> None:
        self._write = write
        self._last: tuple[object, ...] = ()

    def show(self, moment: Moment) -> None:
        """Write when something changed."""
        seen = (moment.first_point_s is not None, moment.first_system_metric_s is not None)
        state = (moment.phase, moment.epoch, *seen)
        if state != self._last:
            self._last = state
            self._write(f"  {line(moment)}\n")


class LiveLine:
    """Redraws one line in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, transient=True, auto_refresh=False)
        self._drawn = 0.0

    def show(self, moment: Moment) -> None:
        """Draw at most four times a second; `reading` is the last phase and takes the line away."""
        if moment.phase == "reading":
            self._live.stop()
            return
        now = time.monotonic()
        if now - self._drawn >= EVERY_S:
            self._drawn = now
            self._live.start()
            self._live.update(Text(line(moment), style="dim"), refresh=True)


class Uncaptured:
    """Shows through pytest's capture: suspends it for each moment."""

    def __init__(self, config: "pytest.Config") -> None:
        self._capture = config.pluginmanager.getplugin("capturemanager")
        self._view: Progress | None = None

    def show(self, moment: Moment) -> None:
        """Choose the view on first use: only outside the capture can a terminal be told."""
        with self._capture.global_and_fixture_disabled():
            if self._view is None:
                sys.stdout.write("\n")
                console = Console(file=sys.stdout)
                dumb = not console.is_terminal or console.is_dumb_terminal
                self._view = PlainLines(sys.stdout.write) if dumb else LiveLine(console)
            self._view.show(moment)
            sys.stdout.flush()


def live_view(config: "pytest.Config") -> Progress:
    """Return the view that fits; none with -q."""
    return Silent() if config.option.verbose < 0 else Uncaptured(config)
