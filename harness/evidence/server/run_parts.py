"""Reads a run part by part, each in bounded time, so that a part that cannot be read costs no other."""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from harness.evidence.models import ServerRun, Trouble
from harness.evidence.server.reader import Reader, ReadingFailed

PAUSES = (0.2, 0.5, 1.0)
"""Seconds before the second, third and fourth try: what shows three times may still pass."""
LASTING = frozenset({"auth", "permission", "tls", "dns", "timeout"})
"""Troubles that trying again within seconds does not mend, or that have taken their time already."""
T = TypeVar("T")


def persistently(ask: Callable[[], T]) -> T:
    """Ask again while the trouble may pass.

    Raises:
        ReadingFailed: the last trouble.
    """
    pauses = iter(PAUSES)
    while True:
        try:
            return ask()
        except ReadingFailed as failure:
            pause = next(pauses, None)
            if pause is None or failure.trouble.kind in LASTING:
                raise
        time.sleep(pause)


class Parts:
    """Asks for the parts of one run, in twice the time of one question for all of them."""

    def __init__(self, reader: Reader, run: ServerRun) -> None:
        self._reader = reader
        self._names = {"entity": run.entity, "project": run.project, "id": run.id}
        self._end = time.monotonic() + 2 * reader.timeout_s
        self.troubles: list[Trouble] = []

    def read(self, part: str) -> Any | None:
        """Return one part; None where it could not be read, which `troubles` then tells under the part's name."""
        try:
            return persistently(lambda: self._ask(part))
        except ReadingFailed as failure:
            self.troubles.append(failure.trouble.model_copy(update={"where": part}))
            return None

    def series(self, keys: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Return a sample of each series, all from one question; one that could not be read is told as `series:KEY`."""
        if not keys:
            return {}
        found: dict[str, list[dict[str, Any]]] = {}

        def ask() -> None:
            # A series is asked for where the run has the key: nothing is no answer.
            found.update({key: rows for key, rows in self._ask("series", keys=list(keys)).items() if rows})
            if len(found) < len(keys):
                raise ReadingFailed(Trouble(kind="protocol", text="the answer holds nothing"))

        try:
            persistently(ask)
        except ReadingFailed as failure:
            missing = [key for key in keys if key not in found]
            self.troubles += [failure.trouble.model_copy(update={"where": f"series:{key}"}) for key in missing]
        return found

    def _ask(self, part: str, **more: Any) -> Any:
        left = min(self._end - time.monotonic(), self._reader.timeout_s)
        if left <= 0:
            raise ReadingFailed(Trouble(kind="timeout", text="no time was left: the server answers too slowly"))
        found = self._reader.ask("part", timeout_s=left, part=part, **self._names, **more)
        # A part is asked for where the run has it: nothing is no answer.
        if found is None:
            raise ReadingFailed(Trouble(kind="protocol", text="the answer holds nothing"))
        return found
