"""The live view: a few words that change in place on a terminal, plain lines for each change of state elsewhere."""

import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

from harness.verification.progress import Moment, Progress, Silent

if TYPE_CHECKING:
    import pytest
    from rich.console import Console

EVERY_S = 0.25
WIDTH = 77


def told(moment: Moment) -> list[str]:
    """Put a moment into lines of less than 80 columns: nearly always one; why a job waits may take two."""
    phase, _, detail = moment.phase.partition(": ")
    parts = [phase, lasted(moment.started_s)]
    if moment.epoch is not None:
        parts.append(f"epoch {moment.epoch}" + (f", loss {moment.loss:.3g}" if moment.loss is not None else ""))
    if moment.first_point_s is not None:
        parts.append(f"point seen {moment.first_point_s:.0f} s")
    if moment.first_system_metric_s is not None:
        parts.append(f"system seen {moment.first_system_metric_s:.0f} s")
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + 3 + len(part) <= WIDTH:
            lines[-1] += f" | {part}"
        else:
            lines.append(f"    {part}")
    return [*lines, *textwrap.wrap(detail, WIDTH, initial_indent="    ", subsequent_indent="    ")]


def lasted(seconds: float) -> str:
    """Say how long something has taken; nobody counts the seconds of an hour in the queue."""
    return f"{seconds:.0f} s" if seconds < 180 else f"{seconds / 60:.0f} min"


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
            self._write("".join(f"  {line}\n" for line in told(moment)))


class LiveLine:
    """Redraws the moment in place."""

    def __init__(self, console: "Console") -> None:
        from rich.live import Live

        self._live = Live(console=console, transient=True, auto_refresh=False)
        self._drawn = 0.0

    def show(self, moment: Moment) -> None:
        """Draw at most four times a second; `reading` is the last phase and takes the line away."""
        if moment.phase == "reading":
            self._live.stop()
            return
        from rich.text import Text

        now = time.monotonic()
        if now - self._drawn >= EVERY_S:
            self._drawn = now
            self._live.start()
            self._live.update(Text("\n".join(told(moment)), style="dim"), refresh=True)


class Uncaptured:
    """Shows through pytest's capture: suspends it for each moment."""

    def __init__(self, config: "pytest.Config") -> None:
        self._capture = config.pluginmanager.getplugin("capturemanager")
        self._view: Progress | None = None

    def show(self, moment: Moment) -> None:
        """Choose the view on first use: only outside the capture can a terminal be told."""
        with self._capture.global_and_fixture_disabled():
            if self._view is None:
                from rich.console import Console

                sys.stdout.write("\n")
                console = Console(file=sys.stdout)
                dumb = not console.is_terminal or console.is_dumb_terminal
                self._view = PlainLines(sys.stdout.write) if dumb else LiveLine(console)
            self._view.show(moment)
            sys.stdout.flush()


def live_view(config: "pytest.Config") -> Progress:
    """Return the view that fits; none with -q."""
    return Silent() if config.option.verbose < 0 else Uncaptured(config)
