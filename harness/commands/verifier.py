"""The process that verifies for the watch: a line of JSON asks for a verification, or for a page, and one answers."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.evidence.models import Seen
from harness.evidence.server.reader import KeptReaders, Readers
from harness.judging.judge import judge
from harness.report.html.checks import sentences
from harness.report.html.page import render
from harness.report.next_commands import next_commands
from harness.settings.model import SettingsError
from harness.settings.options import OPTIONS
from harness.settings.report_folder import write_atomically
from harness.verification.progress import Silent
from harness.verification.saved_evidence import load
from harness.verification.verify import verify
from harness.watch.verifying import Judged, settings_of


def serve() -> None:
    """Answer until nobody asks any more; the watch, not a signal, says when that is."""
    signal.signal(signal.SIGTERM, lambda *_: None)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that is printed is an answer
    with KeptReaders() as kept:
        for line in sys.stdin:
            answers.write(json.dumps(answered(json.loads(line), kept.reader)) + "\n")
            answers.flush()


def answered(question: Mapping[str, Any], readers: Readers) -> dict[str, Any]:
    """Verify, or write a page; what keeps it from that is the answer."""
    place, cwd, what = Path(question["place"]), Path(question["cwd"]), question["what"]
    try:
        if question["noted"] is None:
            return asdict(verified(place, cwd, what, readers, question["broken"]))
        write_page(place, cwd, what, question["noted"])
    except SettingsError as error:
        return asdict(Judged("inconclusive", words=str(error)))
    except OSError as error:
        return asdict(Judged("inconclusive", words=f"{place} cannot be written: {error.strerror or error}"))
    return {}


def verified(place: Path, cwd: Path, what: Mapping[str, str], readers: Readers, broken: Sequence[str] | None) -> Judged:
    """Verify what these options of `check` mean, and write what came of it.

    Args:
        place: the folder of the job.
        cwd: where the watch was called.
        what: options of `check`, by their ini names.
        readers: how servers are read.
        broken: the fault that the watch's last look found, and its words.
    """
    place.mkdir(parents=True, exist_ok=True)
    looked_at = time.time()
    evidence = verify(settings_of(what, os.environ, cwd), place, Silent(), os.environ, readers=readers)
    if broken:
        seen = Seen(at=looked_at, event="problem", problem=broken[0], words=broken[1])
        evidence = evidence.model_copy(update={"watched": (seen,)})
    verdict = judge(evidence)
    write_atomically(place / "evidence.json", evidence.model_dump_json(indent=1))
    write_atomically(place / "verdict.json", verdict.model_dump_json(indent=1))
    cause = next((f for f in verdict.findings if f.id == verdict.root_cause), None)
    doubt = next((c.reason for c in verdict.checks if c.outcome == "not_checked"), "")
    words = cause.title if cause else doubt if verdict.verdict == "inconclusive" else ""
    return Judged(verdict.verdict, verdict.root_cause or "", words, str(place / "verdict.json"), verdict.live)


def write_page(place: Path, cwd: Path, what: Mapping[str, str], noted: Iterable[Mapping[str, Any]]) -> None:
    """Put what was noted into the evidence of the last verification; judge it, and write verdict and page."""
    watched = tuple(Seen(**{name: entry[name] for name in Seen.model_fields}) for entry in noted)
    evidence = load(place / "evidence.json").model_copy(update={"watched": watched})
    write_atomically(place / "evidence.json", evidence.model_dump_json(indent=1))
    verdict, flags = judge(evidence), {o.ini: o.flag for o in OPTIONS}
    arguments = [word for name, value in what.items() for word in (flags[name], value)]
    again = next_commands(settings_of(what, os.environ, cwd), place, evidence, verdict, arguments)
    write_atomically(place / "verdict.json", verdict.model_dump_json(indent=1))
    write_atomically(place / "report.html", render(evidence, verdict, sentences(), again))
