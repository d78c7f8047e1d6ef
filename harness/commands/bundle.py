"""`lumi-wandb bundle`: one file for user support, with the evidence, the verdict and the tails of the logs."""

import glob
import json
import os
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.commands.arguments import Parser
from harness.evidence.models import Evidence
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.redaction.scrubbing import Scrubber
from harness.evidence.setup.credentials import known_secrets
from harness.evidence.setup.job_settings import read_job_settings
from harness.settings.model import SettingsError
from harness.verification.saved_evidence import load

CONTENTS = "CONTENTS.txt"
JOB_LOG_BYTES = 200_000
SDK_LOG_BYTES = 60_000
MOST_JOB_LOGS = 32
SHORTEST_TAIL = 20_000
"""So much of each file is packed at least, where a job's output is in several."""
MOST_RUNS = 8
SDK_LOGS = ("debug-internal.log", "debug.log", "debug-core.log")
NOT_PACKED = (
    ("report.html", "`pytest checks --replay BUNDLE` makes it again"),
    ("junit.xml", "verdict.json says the same"),
)


class Tail(NamedTuple):
    """The end of a text file, in whole lines, and how many bytes before it were left out."""

    text: str
    cut: int


def main(argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Pack a report folder; 4 where there is nothing to pack or no room for it."""
    parser = Parser(
        prog="lumi-wandb bundle",
        description="Pack a verification for user support: evidence, verdict, tails of logs; no keys, no e-mail.",
    )
    parser.add_argument("folder", nargs="?", type=Path, metavar="REPORT", help="a report folder (the newest one here)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the file to write (in the current folder)")
    given = parser.parse_args(argv)
    try:
        folder = given.folder or newest_report(Path.cwd())
        target = given.output or Path.cwd() / f"wandb-bundle-{folder.resolve().name}.zip"
        contents = pack(folder, target, environ)
    except SettingsError as error:
        sys.stderr.write(f"bundle: {error}\n")
        return 4
    except OSError as error:
        sys.stderr.write(f"bundle: {target} cannot be written ({error.strerror}); name another file with --output.\n")
        return 4
    sys.stdout.write(f"{contents}\nwritten: {target}\nLook through it before you send it.\n")
    return 0


def newest_report(cwd: Path) -> Path:
    """Return the newest report folder below `.harness/`.

    Raises:
        SettingsError: there is none.
    """
    found = sorted((cwd / ".harness").glob("*/evidence.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise SettingsError(f"{cwd / '.harness'} holds no report; name the report folder that a verification printed.")
    return found[-1].parent


def pack(folder: Path, target: Path, environ: Mapping[str, str]) -> str:
    """Write the bundle and return its list of contents, what was left out included.

    Raises:
        SettingsError: the folder holds no evidence.
        OSError: the bundle cannot be written.
    """
    saved = folder / "evidence.json"
    if not saved.is_file():
        raise SettingsError(f"{folder} holds no evidence.json; name the report folder that a verification printed.")
    evidence = _without_script(load(saved))
    scrubber = Scrubber(Redactor(known_secrets(read_job_settings(environ, Path.cwd()))))
    packed: dict[str, str] = {}
    left_out: list[str] = []
    documents = {"evidence.json": evidence.model_dump_json(), "verdict.json": _text(folder / "verdict.json")}
    for name, document in documents.items():
        if document:
            packed[name] = json.dumps(scrubber.value(json.loads(document)), indent=1)
    if summary := _text(folder / "summary.md"):
        packed["summary.md"] = scrubber.text(summary)
    for name, path, most in (*_job_logs(folder, evidence), *_sdk_logs(evidence)):
        if found := tail(path, most):
            packed[name] = scrubber.text(found.text)
            if found.cut:
                left_out.append(f"{name}: its first {found.cut:,} bytes")
        elif name.startswith("job") or os.path.lexists(path):
            left_out.append(f"{name}: {path} cannot be read")
    left_out += [*_unpacked(folder, evidence), *_scrubbed(scrubber)]
    contents = _contents(packed, left_out)
    partial = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, text in {CONTENTS: contents, **packed}.items():
                bundle.writestr(name, text)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return contents


def _without_script(evidence: Evidence) -> Evidence:
    """Leave the whole text of the job script at home; a cure in the verdict still shows the lines that it changes."""
    if evidence.setup is None:
        return evidence
    return evidence.model_copy(update={"setup": evidence.setup.model_copy(update={"source": None})})


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _job_logs(folder: Path, evidence: Evidence) -> Iterator[tuple[str, Path, int]]:
    """Name the job's output in the bundle, where it is now, and how much of its end is packed: for each file of it."""
    own = folder / "job.log"
    output = evidence.job.output if evidence.job else None
    if own.is_file():
        yield own.name, own, JOB_LOG_BYTES
    elif output and output.path and (output.lines or output.trouble):
        files = output_files(output.path)
        root = os.path.commonpath([path.parent for path in files])
        for path in files[:MOST_JOB_LOGS]:
            name = "job.log" if len(files) == 1 else f"job/{path.relative_to(root)}"
            yield name, path, max(JOB_LOG_BYTES // len(files), SHORTEST_TAIL)


def output_files(told: str) -> list[Path]:
    """Return the files that a pattern of `--job-log` means now; what is no pattern, or means nothing, as it is."""
    found = [] if os.path.lexists(told) else sorted(glob.glob(told))  # noqa: PTH207 - Path.glob() wants no "/…"
    return [Path(name) for name in found if os.path.isfile(name)] or [Path(told)]  # noqa: PTH113 - is_file() may raise


def _sdk_logs(evidence: Evidence) -> Iterator[tuple[str, Path, int]]:
    """Name each log of the SDK, as above."""
    for run in evidence.local.runs[:MOST_RUNS]:
        for name in SDK_LOGS:
            yield f"runs/{Path(run.path).name}/{name}", Path(run.path) / "logs" / name, SDK_LOG_BYTES


def tail(path: Path, most: int) -> Tail | None:
    """Return the end of a file, at most so many bytes of whole lines; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = file.seek(max(0, size - most))
            raw = file.read(most)
    except OSError:
        return None
    # A key that is cut in two would not be recognised: begin with a whole line.
    skipped = raw.find(b"\n") + 1 if start else 0
    return Tail(raw[skipped:].decode("utf-8", "replace"), start + skipped)


def _unpacked(folder: Path, evidence: Evidence) -> Iterator[str]:
    for name, why in NOT_PACKED:
        if (folder / name).is_file():
            yield f"{name}: {why}"
    for run in evidence.local.runs[:MOST_RUNS]:
        log = run.log
        if log.size_bytes:
            yield f"{log.path}: {log.size_bytes:,} bytes of training data; evidence.json has what was read in it"
        if run.files:
            yield f"{run.path}/files: {', '.join(run.files[:6])}{', …' if len(run.files) > 6 else ''}"
        if not any(os.path.isfile(f"{run.path}/logs/{name}") for name in SDK_LOGS):  # noqa: PTH113 - as above
            yield f"{run.path}/logs: the SDK's logs are not there, or cannot be read"
    output = evidence.job.output.path if evidence.job else None
    if output and (further := len(output_files(output)) - MOST_JOB_LOGS) > 0:
        yield f"{output}: {further} further files"
    if len(evidence.local.runs) > MOST_RUNS:
        yield f"the SDK's logs of {len(evidence.local.runs) - MOST_RUNS} further run directories"


def _scrubbed(scrubber: Scrubber) -> Iterator[str]:
    for what, number in scrubber.taken.items():
        if number:
            yield f"{what}: {number} replaced"
    if scrubber.variables:
        yield f"variables whose values were replaced: {', '.join(sorted(scrubber.variables)[:50])}"


def _contents(packed: Mapping[str, str], left_out: Sequence[str]) -> str:
    made = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    kept = (f"  {name}  {len(text.encode()):,} bytes" for name, text in packed.items())
    gone = (f"  {line}" for line in left_out or ("nothing",))
    return "\n".join((f"W&B verification, packed {made}", "", "packed:", *kept, "", "left out:", *gone, ""))
