"""Writes the reports of a verification into its folder."""

from typing import TYPE_CHECKING

from harness.diagnosis.model import Verdict
from harness.diagnosis.verdict import assemble
from harness.reportfolder import write_atomically

if TYPE_CHECKING:
    from harness.session import Session


def finish(session: "Session") -> Verdict:
    """Assemble the verdict and write `verdict.json` beside the evidence."""
    verdict = assemble(session.gathered, list(session.results.values()), session.findings())
    write_atomically(session.folder / "verdict.json", verdict.model_dump_json(indent=1))
    return verdict
