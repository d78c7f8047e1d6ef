"""Writes the reports of a verification into its folder; the verdict first, and whatever else goes wrong, it stands."""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from harness.evidence.models import Evidence
from harness.evidence.network.background import Background
from harness.judging.verdict import Verdict
from harness.settings.report_folder import write_atomically

if TYPE_CHECKING:
    from harness.verification.session import Session


def get_ready() -> None:
    """Begin to import what judges and reports, and to read the catalogue; nobody has to wait for it."""

    def work() -> None:
        for name in ("harness.judging.judge", "harness.report.markdown"):
            import_module(name)
        from harness.judging.graph import standard_graph
        from harness.report.html.page import template

        standard_graph()
        template()

    Background(work)


def finish(
    session: "Session", verdict: Verdict, arguments: Sequence[str], environ: Mapping[str, str] = os.environ
) -> None:
    """Write the verdict and the reports made of it, and give JUnit what concerns the whole.

    Args:
        session: what was found out; told in `session.unwritten` what could not be written.
        verdict: what the judge says of it.
        arguments: what pytest was called with, for the command that verifies again.
        environ: where GitHub Actions names the file of the step's summary.
    """
    text = verdict.model_dump_json(indent=1)
    saved = session.folder / "evidence.json"
    if session.settings.replay and session.gathered:  # so that this folder, too, can be packed and judged again
        evidence = session.gathered.model_dump_json(indent=1)
        _attempt(session, "evidence.json", lambda: write_atomically(saved, evidence))
    _attempt(session, "verdict.json", lambda: write_atomically(session.folder / "verdict.json", text))
    if patch := cure_patch(verdict):
        _attempt(session, "cure.patch", lambda: write_atomically(session.folder / "cure.patch", patch))
    _attempt(session, "report.html and summary.md", lambda: _write_pages(session, verdict, arguments, environ))
    session.record_for_suite("verdict", verdict.verdict)
    if verdict.root_cause:
        session.record_for_suite("root_cause", verdict.root_cause)
    for run in verdict.runs[:8]:
        session.record_for_suite("run", run.url or f"{run.entity}/{run.project}/{run.id}")


def cure_patch(verdict: Verdict) -> str | None:
    """The edit that is to be tried first."""
    return next((f.cure.patch for f in verdict.findings if f.cure and f.cure.patch), None)


def _attempt(session: "Session", what: str, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        session.unwritten.append(f"{what}: {error.strerror or error} ({session.folder})")
    except Exception as error:  # noqa: BLE001 - a page that cannot be drawn must not cost the verdict
        session.unwritten.append(f"{what}: {type(error).__name__}: {error}"[:300])


def _write_pages(session: "Session", verdict: Verdict, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    from harness.report.github import append_summary
    from harness.report.html.checks import sentences
    from harness.report.html.page import render
    from harness.report.markdown import summary
    from harness.report.next_commands import next_commands

    evidence, said = session.gathered or Evidence(), sentences()
    again = next_commands(session.settings, session.folder, evidence, verdict, arguments)
    write_atomically(session.folder / "report.html", render(evidence, verdict, said, again))
    text = summary(evidence, verdict, said, again)
    write_atomically(session.folder / "summary.md", text)
    append_summary(text, environ)
