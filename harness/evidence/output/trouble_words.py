"""Which lines of job output deserve a look: words found in one pass over a megabyte, then finer questions."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

_Trie: TypeAlias = "dict[str, _Trie]"

# What hints at trouble, whoever printed it; lower case. Made from the texts of the catalogue of faults.
_TROUBLE = (
    "error", "exception", "traceback", "fatal", "fail", "panic", "goroutine", "segmentation", "core dump", "abort",
    "denied", "refused", "forbidden", "unauthorized", "rejected", "not permitted", "read-only", "quota",
    "no space", "disk full", "kill", "oom", "out of memory", "terminat", "cancelled", "preempt", "interrupt",
    "control-c", "sigterm", "sigint", "slurmstepd", "srun:", "sbatch:", "salloc:", "slurm_", "step aborted",
    "requeue", "singularity", "apptainer", "container", "lmod", "module ", "modulenotfound", "no module named",
    "sqlite", "miopen", "watchdog", "deadlock", "already in use", "eaddrinuse", "errno", "timed out", "timeout",
    "unreachable", "no route", "connection lost", "reset by peer", "broken pipe", "certificate", "x509", "proxy",
    "not found", "no such", "does not exist", "doesn't exist", "unable to", "cannot ", "could not", "couldn't",
    "invalid", "illegal", "unrecognized", "unknown", "corrupt", "checksum", "incomplete", "api key",
    "not authenticated", "not logged in", "exit code", "exited", "exitcode", "no version", "yanked",
    "no amd gpu", "amdgpu", "driver", "rocm-smi", "hiperror", "hip error", "invalid device", "net/ofi",
    "no runs to", "skipping", "offline mode", "oserror", "yours was", "descriptors", "_pb2.py", "nan", "w&b offline",
    "info server:", "info connection:", "not secure", "input should", "writable", "dropping", "dropped",
    "must only increase", "redundant", "no-op", "forced shutdown", "must be ", "is not a valid",
    "are not permitted", "bind", "read_only", "w&b disabled",
)  # fmt: skip
_HINTS = (
    "w&b ", "warn", "deprecat", "retry", "ignored", "missing", "nccl", "rccl",
    "usage: ", "required", "limit exceeded", "logging interval", "│     --",
)  # fmt: skip
_MARKS = (
    "wandb", "w&b", "accuracy: ", ", loss: ", "local_rank", "local rank", "root cause", "  host  ",
    " joined",
)  # fmt: skip


def one_of(words: Iterable[str]) -> str:
    """Return a pattern for any of the words, as a trie: many times faster than the words side by side."""
    root: _Trie = {}
    for word in words:
        node = root
        for letter in word:
            node = node.setdefault(letter, {})
        node[""] = {}
    return _pattern(root)


def _pattern(node: Mapping[str, _Trie]) -> str:
    if not node or "" in node:
        return ""
    parts = [re.escape(letter) + _pattern(below) for letter, below in sorted(node.items())]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


WORTH_A_LOOK = re.compile(one_of((*_TROUBLE, *_HINTS, *_MARKS)).encode())
"""Searched in lower-case bytes."""
_IS_TROUBLE = re.compile(one_of(_TROUBLE))
_IS_HINT = re.compile(one_of(_HINTS))
# NCCL_DEBUG=INFO prints hundreds of these for each rank; only the choice of the network tells something.
_CHATTER = re.compile(r"nccl info (?!.*(?:net/ofi|net/socket|using network|error|fail|warn))")


def weight(text: str) -> int:
    """Say how much a line looks like trouble: 2 much, 1 a little, 0 not at all."""
    low = text.lower()
    if _CHATTER.search(low):
        return 0
    if _IS_TROUBLE.search(low):
        return 2
    return 1 if _IS_HINT.search(low) else 0
