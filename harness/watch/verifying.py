"""Has watched jobs verified as `check` does it, by a process of its own that lives no longer than it has work."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.settings.model import Settings
from harness.settings.options import OPTIONS
from harness.settings.places import CHECK
from harness.settings.resolve import resolve
from harness.watch.ledger import Entry
from harness.watch.subjects import Subject

_CODE = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv[2])
importlib.import_module(sys.argv[1]).serve()
"""


@dataclass(frozen=True)
class Judged:
    """What came of it: the verdict, its root cause, in words, and where it is written."""

    verdict: str
    fault: str = ""
    words: str = ""
    path: str = ""
    live: bool = False


Verifying = Callable[[Subject], Judged | None]
"""Verifies a subject; None where there is nothing yet to verify."""


class Verifier:
    """Has subjects verified, with a folder of its own for each.

    Judging and the pages need far more memory than watching: they are loaded in a process that `rest` ends.

    Args:
        folder: the watch's folder.
        environ: what W&B is set to.
        cwd: where it was called.
        given: options of `check` that apply to every subject, by their ini names.
        module: what the process runs; its `serve` reads a question a line, and answers with a line.
    """

    def __init__(
        self, folder: Path, environ: Mapping[str, str], cwd: Path, given: Mapping[str, str], module: str
    ) -> None:
        self._folder, self._environ, self._cwd, self._given, self._module = folder, environ, cwd, given, module
        self._process: subprocess.Popen[str] | None = None
        self._given_up = False

    def settings(self) -> Settings:
        """Return the settings of `check` that apply to every subject."""
        return settings_of(self._given, self._environ, self._cwd)

    def place(self, subject: Subject) -> Path:
        """Return the folder of a subject."""
        return self._folder / "".join(c if c.isalnum() or c in "-_." else "-" for c in subject.name)

    def verify(self, subject: Subject) -> Judged | None:
        """Verify it, and write what came of it; None where there is nothing yet to verify, or no time for it."""
        what = asked(subject)
        found = self._ask(subject, what, None) if what else None
        return Judged(**found) if found else None

    def show(self, subject: Subject, entries: Sequence[Entry]) -> None:
        """Put what was noted so far into the evidence of the last verification, and write its page."""
        if (self.place(subject) / "evidence.json").exists():
            self._ask(subject, asked(subject), entries)

    def rest(self) -> None:
        """Free the memory: end the process, where there is one."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def stop(self) -> None:
        """End the process, whatever it does: what it writes, it writes at one stroke."""
        self.give_up()
        self.rest()

    def give_up(self) -> None:
        """End what is being verified, and verify nothing more until `again`; may be called by a signal's handler."""
        self._given_up = True
        if self._process is not None:
            self._process.kill()

    def again(self) -> None:
        """Verify again after `give_up`."""
        self.rest()
        self._given_up = False

    def _ask(self, subject: Subject, what: Mapping[str, str], entries: Sequence[Entry] | None) -> dict[str, Any] | None:
        if self._given_up:
            return None
        noted = None if entries is None else [asdict(entry) for entry in entries]
        broken = subject.broken
        question = {"place": str(self.place(subject)), "cwd": str(self._cwd), "what": {**self._given, **what},
                    "noted": noted, "broken": [broken.id, broken.words] if broken else None}  # fmt: skip
        process = self._process = self._process or self._started()
        answer = ""
        if process.stdin is not None and process.stdout is not None:
            try:
                process.stdin.write(json.dumps(question) + "\n")
                process.stdin.flush()
                answer = process.stdout.readline()
            except BrokenPipeError:
                pass  # it died before it was asked
        if self._given_up:
            return None
        if not answer:
            self._process = None
            lost = f"the process that verifies ended with exit code {process.wait()}"
            return {"verdict": "inconclusive", "words": lost}
        found: dict[str, Any] = json.loads(answer)
        return found

    def _started(self) -> subprocess.Popen[str]:
        # In a session of its own: what interrupts the watch on a terminal is the watch's to answer.
        return subprocess.Popen(
            [sys.executable, "-I", "-c", _CODE, self._module, json.dumps(sys.path)],
            env=dict(self._environ), cwd=self._cwd,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip


def settings_of(what: Mapping[str, str], environ: Mapping[str, str], cwd: Path) -> Settings:
    """Return the settings of `check` with these options, by their ini names.

    Raises:
        SettingsError: one of them is wrong.
    """
    dests = {o.ini: o.dest for o in OPTIONS}
    options: dict[str, str | bool | None] = {dests[name]: value for name, value in what.items()}
    return resolve(options, environ, lambda _name: "", cwd, CHECK)


def asked(subject: Subject) -> dict[str, str]:
    """Return the options of `check` that mean this subject; none where it has made nothing yet."""
    if subject.folder is not None:
        return {"wandb_run_dir": str(subject.folder)}
    log = next((str(output.path) for output in subject.outputs if output.size()), None)
    if subject.run is not None:
        path = "/".join(subject.run)
        run = f"{subject.server}/{subject.run[0]}/{subject.run[1]}/runs/{subject.run[2]}" if subject.server else path
        return {"wandb_run": run, **({"wandb_job_log": log} if log else {})}
    return {"wandb_job_log": log} if log else {}
