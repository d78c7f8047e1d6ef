"""The facts of what was found: run directories on disk, and each node's GPUs; plain rows of names and values."""

from collections.abc import Iterable

from harness.evidence.models import Evidence, LocalRun, NodeTelemetry
from harness.evidence.redaction.visible import clean
from harness.report.html.rows import Row, told
from harness.report.text import plural, size

MOST = 8
"""Run directories, nodes, and damaged places that are shown one by one."""


def on_disk(evidence: Evidence) -> Iterable[Row]:
    """Where run directories were looked for, and what each of them holds."""
    yield from told({"looked in": ", ".join(evidence.local.folders)})
    for run in evidence.local.runs[:MOST]:
        yield from _run_directory(run)
    if (left := len(evidence.local.runs) - MOST) > 0:
        yield Row(f"and {plural(left, 'run directory', 'run directories')} more", "in evidence.json")
    if evidence.synced is not None:
        yield from told({"wandb sync ended with": evidence.sync_exit_code})


def _run_directory(run: LocalRun) -> Iterable[Row]:
    log, made = run.log, run.log.environment
    parts = [log.status.replace("_", " "), size(log.size_bytes), plural(log.history_rows, "row")]
    parts += [f"{log.repeated_steps} at a step that was there already"] if log.repeated_steps else []
    parts += [f"format {log.version}"] if log.version is not None else []
    parts += ["uploaded by wandb sync"] if run.synced_marker or run.syncstate else []
    parts += ["marked as about to be preempted"] if log.preempting else []
    yield Row(clean(run.path, 600), ", ".join(parts))
    for problem in log.problems[:MOST]:
        yield Row(f"damaged at byte {problem.offset:,}", clean(f"{problem.what}: {problem.detail}", 300))
    left_out = {
        "settings": log.config_dropped, "summary values": log.summary_dropped, "metrics": log.series_dropped,
        "system metrics": log.system_dropped, "files": log.files_dropped, "damaged places": log.problems_dropped,
    }  # fmt: skip
    if kept := ", ".join(f"{count:,} {what}" for what, count in left_out.items() if count):
        yield Row("too many to keep", kept)
    if made:
        yield from told({"made by": " ".join(filter(None, (made.program, f"on {made.os or log.platform}")))})


def on_nodes(evidence: Evidence) -> Iterable[Row]:
    """What each node said of its GPUs: the driver, rocm-smi, the library, and which of them the job may see."""
    for node in evidence.telemetry.nodes[:MOST]:
        yield Row(clean(node.host, 80), clean("; ".join(_gpus(node)), 600))


def _gpus(node: NodeTelemetry) -> Iterable[str]:
    yield plural(len(node.devices), "GPU") + (" as rocm-smi lists them" if node.devices else "")
    if node.library:
        version = f" {node.library.version}" if node.library.version else ""
        yield f"librocm_smi64.so{version} {'loads' if node.library.loadable else 'does not load'}"
    silent = sum(device.power_reported is False for device in node.devices)
    if silent:
        yield f"{silent} report no power"
    yield from (f"{name}={value}" for name, value in sorted(node.visible_variables.items()))
