"""Looks at the job's Python from outside: which `wandb` it would import, and which versions lie beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from harness.evidence.models.base import JsonValue, Trouble
from harness.evidence.models.setup import JobPython
from harness.evidence.redaction.redactor import clean

PACKAGES = ("protobuf", "pydantic", "numpy", "torchvision")
_SECONDS = 20.0
_MARK = "harness-job-python:"
_FIRST_CORE = (0, 18)
"""Since this SDK wandb-core is what runs; older ones may do without."""

# Runs in any Python from 3.6 on and imports next to nothing: `importlib.metadata` alone would cost 30 ms. Versions are
# read off the names of the .dist-info and .egg-info folders, which is where that module reads them, too.
_LOOK = r"""
import json, os, sys
if not getattr(sys.flags, "safe_path", False):
    sys.path[0] = sys.argv[1]
found = None
for finder in sys.meta_path:
    find = getattr(finder, "find_spec", None)
    found = find("wandb", None) if find else None
    if found is not None:
        break
versions = {}
for folder in sys.path:
    try:
        names = os.listdir(folder or ".")
    except OSError:
        continue
    for name in names:
        stem, ending = os.path.splitext(name)
        if ending in (".dist-info", ".egg-info") and "-" in stem:
            parts = stem.split("-")
            versions.setdefault(parts[0].lower().replace("_", "-"), parts[1])
wanted = sys.argv[2].split(",")
answer = {"python": "%d.%d.%d" % sys.version_info[:3],
          "versions": {name: versions[name] for name in wanted if name in versions}}
if found is not None:
    folders = list(found.submodule_search_locations or [])
    plain = found.origin not in (None, "namespace")
    answer["origin"] = found.origin if plain else (folders or [None])[0]
    answer["namespace"] = not plain
    home = folders[0] if folders else ""
    core = os.path.join(home, "bin", "wandb-core")
    answer["sdk"] = bool(home) and os.path.isdir(os.path.join(home, "sdk"))
    answer["core"] = os.path.isfile(core) and os.access(core, os.X_OK)
print(sys.argv[3] + json.dumps(answer))
"""


def collect_job_python(executable: str, cwd: Path, script: Path | None, env: Mapping[str, str]) -> JobPython:
    """Ask that interpreter, in one short process that imports neither wandb nor torch.

    The search path begins with the script's folder, as for `python script.py`; without a script, with the current one.
    """
    first = str((cwd / script).parent if script is not None and script.suffix == ".py" else cwd)
    command = [executable, "-c", _LOOK, first, ",".join(("wandb", "torch", *PACKAGES)), _MARK]
    try:
        output, errors, code = _run(command, cwd, env)
    except OSError as error:
        kind = {FileNotFoundError: "missing", PermissionError: "permission"}.get(type(error), "other")
        words = error.strerror or type(error).__name__
        return JobPython(executable=executable, trouble=Trouble(kind=kind, text=words, where=executable))
    except subprocess.TimeoutExpired:
        trouble = Trouble(kind="timeout", text=f"no answer within {_SECONDS:.0f} s", where=executable)
        return JobPython(executable=executable, trouble=trouble)
    answer = _answer(output)
    if answer is None:
        words = clean(errors.strip()[-400:], 400) or f"exit code {code}"
        return JobPython(executable=executable, trouble=Trouble(kind="other", text=words, where=executable))
    return _fact(executable, answer)


def _run(command: list[str], cwd: Path, env: Mapping[str, str]) -> tuple[str, str, int]:
    """Output, errors and exit code; the process group is killed on a timeout, wrappers and all.

    Raises:
        OSError: there is no such program, or it must not be run.
        subprocess.TimeoutExpired: it does not end.
    """
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return output, errors, process.returncode


def _answer(output: str) -> dict[str, JsonValue] | None:
    """The marked line of the output, which `sitecustomize` and the like may add to."""
    for line in reversed(output.splitlines()):
        if line.startswith(_MARK):
            try:
                answer = json.loads(line.removeprefix(_MARK))
            except ValueError:
                return None
            return answer if isinstance(answer, dict) else None
    return None


def _fact(executable: str, answer: dict[str, JsonValue]) -> JobPython:
    versions: dict[str, str] = answer["versions"]
    known = JobPython(
        executable=executable,
        python_version=answer["python"],
        torch_version=versions.get("torch"),
        packages={name: versions[name] for name in PACKAGES if name in versions},
    )
    if "origin" not in answer:
        return known.model_copy(update={"wandb_kind": "missing"})
    location = answer["origin"]
    if answer["namespace"]:
        return known.model_copy(update={"wandb_kind": "namespace_folder", "wandb_location": location})
    if not answer["sdk"]:
        return known.model_copy(update={"wandb_kind": "file", "wandb_location": location})
    version = versions.get("wandb")
    return known.model_copy(
        update={
            "wandb_kind": "package",
            "wandb_location": location,
            "wandb_version": version,
            "core_binary": _core(version, present=answer["core"]),
        }
    )


def _core(version: str | None, *, present: bool) -> str:
    """An old SDK without the binary misses nothing."""
    if present:
        return "present"
    numbers = tuple(int(part) for part in (version or "").split(".")[:2] if part.isdigit())
    return "missing" if numbers >= _FIRST_CORE else "unknown"
