"""Evidence that was saved earlier, by itself or in a bundle, to be judged again."""

import lzma
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from harness.evidence.models import Evidence
from harness.evidence.redaction.documents import redacted
from harness.evidence.redaction.redactor import Redactor
from harness.settings.model import SettingsError

DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
"""What reading a bundle raises that a transfer damaged."""
RETIRED = (
    "job.hung_after_training_s", "job.output.runs_started", "job.output.errors.*.led_to_another", "local.runs.*.suffix",
    "local.runs.*.sdk_logs.lines.*.level", "job.slurm.derived_exit_code", "local.runs.*.summary_file",
    "local.runs.*.log.alerts", "local.runs.*.log.artifacts", "local.runs.*.log.console_tail",
    "local.runs.*.log.defined_metrics", "local.runs.*.log.features", "local.runs.*.log.has_final",
    "local.runs.*.log.has_footer", "local.runs.*.log.imports", "local.runs.*.log.modified_time",
    "local.runs.*.log.environment.code_path", "local.runs.*.log.environment.cuda_version",
    "local.runs.*.log.environment.docker", "local.runs.*.log.environment.git_commit",
    "local.runs.*.log.environment.git_remote", "local.runs.*.log.environment.memory_total",
    "local.runs.*.log.environment.root", "local.runs.*.log.environment.writer_ids",
    "local.runs.*.log.run.git_commit", "local.runs.*.log.run.git_remote", "local.runs.*.log.run.notes",
    "local.runs.*.log.series.*.first_time", "local.runs.*.log.series.*.last_time",
    "local.runs.*.log.series.*.steps_increase", "local.runs.*.log.system.*.count_nonzero",
    "local.runs.*.log.system.*.first_time", "local.runs.*.log.system.*.last_time",
    "server.runs.*.system.*.nonzero", "synced.runs.*.system.*.nonzero", "telemetry.nodes.*.devices.*.memory_bytes",
)  # fmt: skip
"""Fields that earlier versions saved and that nothing reads any more; `*` stands for every entry."""
MOST_BYTES = 1 << 28
"""A bundle may come from anybody: no more than this is unpacked."""


def load(path: Path) -> Evidence:
    """Read saved evidence: an `evidence.json`, or a bundle that holds one.

    Raises:
        SettingsError: the file is no evidence of a schema version that is known.
    """
    document: Any = None
    try:
        text = _unpacked(path) if zipfile.is_zipfile(path) else path.read_bytes()
        document = without_retired(from_json(text))
        return redacted(Evidence.model_validate(document), Redactor())
    except OSError as error:
        raise SettingsError(f"--replay: {path} cannot be read ({error.strerror or error}).") from None
    except (ValueError, KeyError, *DAMAGED, NotImplementedError, RuntimeError) as error:
        why = _refused(error, document)
        hint = "give an evidence.json, or a bundle"
        raise SettingsError(f"--replay: {path} is not evidence that this version can read ({why}); {hint}.") from None


def _refused(error: Exception, document: Any) -> str:
    """Say in plain words why it is no evidence."""
    if isinstance(error, ValidationError):
        return _strange(error, document)
    if isinstance(error, KeyError):
        return "no evidence.json is in it"
    told = next(iter(str(error).splitlines()), "EOF")
    if told.startswith("EOF while parsing a value at line 1 column 0"):
        return "it is empty"
    if told.startswith("EOF"):
        return "it is cut off; copy it again"
    if isinstance(error, DAMAGED):
        return "it is damaged; copy it again"
    return "it is no JSON" if " at line " in told else told


def _strange(error: ValidationError, document: Any) -> str:
    version = document.get("schema_version", 1) if isinstance(document, dict) else 1
    if isinstance(version, int) and version > 1:
        return f"its schema_version is {version}, this version reads 1; a newer one wrote it: update this one"
    if isinstance(document, dict) and "findings" in document:
        return "it is a verdict; the evidence lies beside it"
    if not isinstance(document, dict) or not set(document) & set(Evidence.model_fields):
        return "it is JSON of something else"
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"it holds {place}, which is not known here; another version wrote it"
    return f"{place} is not as it should be: {first['msg']}"


def without_retired(document: Any) -> Any:
    """Take the retired fields out of a saved document, so that evidence of every released version loads."""
    for path in RETIRED:
        _drop(document, path.split("."))
    return document


def _drop(node: Any, path: Sequence[str]) -> None:
    first, *rest = path
    if first == "*":
        for entry in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            _drop(entry, rest)
    elif isinstance(node, dict) and rest:
        _drop(node.get(first), rest)
    elif isinstance(node, dict):
        node.pop(first, None)


def _unpacked(bundle: Path) -> bytes:
    with zipfile.ZipFile(bundle) as packed, packed.open("evidence.json") as file:
        raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES >> 20} MiB")
    return raw
