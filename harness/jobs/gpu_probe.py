"""Ask a node what it offers to the SDK's GPU telemetry, both ways that SDK versions go; prints one line of JSON.

Standalone: the standard library only. Run it in the job's container on each node, once:
`srun --ntasks-per-node=1 … python gpu_probe.py [--capture FILE]`.
"""

import argparse
import contextlib
import ctypes
import ctypes.util
import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

INITSTATE = Path("/sys/module/amdgpu/initstate")
COMMAND = "rocm-smi"
DEFAULT_COMMAND = "/usr/bin/rocm-smi"
LIBRARY = "librocm_smi64.so"
LIBRARY_STATUS = {2: "NOT_SUPPORTED", 3: "FILE_ERROR", 4: "PERMISSION", 8: "INIT_ERROR"}
"""rsmi_status_t, without its prefix RSMI_STATUS_ (rocm_smi.h)."""
LIBRARY_FOLDERS = ("/opt/rocm/lib", "/opt/rocm/lib64")
VISIBLE = (
    "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "CUDA_VISIBLE_DEVICES",
    "SLURM_JOB_GPUS",
    "SLURM_GPUS_ON_NODE",
)
LIMIT_S = 20.0
"""rocm-smi takes 1 to 3 s on a real node; it is given up after this."""


def initstate() -> str | None:
    """Contents of the driver's state, `live` where it works; None where there is no driver."""
    try:
        return INITSTATE.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def call_command() -> tuple[dict[str, Any], dict[str, Any]]:
    """Call rocm-smi as SDKs up to 0.30.0 do: from PATH, else /usr/bin; returns the finding and the parsed output.

    A finding without a path says that it was looked for and is not there.
    """
    path = shutil.which(COMMAND) or (DEFAULT_COMMAND if Path(DEFAULT_COMMAND).exists() else None)
    if path is None:
        return {"path": None}, {}
    begun = time.monotonic()
    try:
        done = subprocess.run([path, "-a", "--json"], capture_output=True, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"path": path, "seconds": time.monotonic() - begun, "stderr": str(error)[:500]}, {}
    answer = parsed(done.stdout.decode(errors="replace"))
    cards = sorted(k for k in answer if re.fullmatch(r"card\d+", k))
    return {
        "path": path,
        "exit_code": done.returncode,
        "seconds": round(time.monotonic() - begun, 3),
        "cards": len(cards),
        "parsable": bool(answer),
        "has_system_only": bool(answer) and not cards,
        "rocm_generation": generation(answer[cards[0]]) if cards else "unknown",
        "stderr": done.stderr.decode(errors="replace")[:500],
    }, answer


def parsed(text: str) -> dict[str, Any]:
    """Read the JSON object of the output, which warnings may precede; empty where there is none."""
    for line in (text, *text.splitlines()):
        with contextlib.suppress(ValueError):
            answer = json.loads(line)
            if isinstance(answer, dict):
                return answer
    return {}


def generation(card: dict[str, Any]) -> str:
    """Tell the ROCm generation by the keys of a card, which ROCm 6.0 and 6.1 renamed."""
    if "GPU Memory Allocated (VRAM%)" in card:
        return "6.1+"
    if "Device ID" in card:
        return "6.0"
    return "5" if "GPU ID" in card else "unknown"


def load_library() -> dict[str, Any]:
    """Load librocm_smi64.so as SDKs from 0.31.0 do, and count its devices."""
    candidates = [LIBRARY, *(f"{folder}/{LIBRARY}" for folder in LIBRARY_FOLDERS)]
    text = ""
    for name in candidates:
        try:
            library = ctypes.CDLL(name)
        except OSError as error:
            text = str(error)[:300]
            continue
        return {"path": name, "loadable": True, **initialised(library)}
    return {"loadable": False, "trouble": {"kind": "missing", "text": text, "where": LIBRARY}}


def initialised(library: Any) -> dict[str, Any]:
    """Initialise the library and count devices; a status other than 0 is its refusal (rocm_smi.h)."""
    if not all(hasattr(library, n) for n in ("rsmi_init", "rsmi_num_monitor_devices", "rsmi_shut_down")):
        return {"initialised": False, "trouble": {"kind": "protocol", "text": "it lacks rsmi_init", "where": LIBRARY}}
    status = library.rsmi_init(ctypes.c_uint64(0))
    if status != 0:
        name = LIBRARY_STATUS.get(status)
        text = f"rsmi_init answered {status}" + (f", RSMI_STATUS_{name}" if name else "")
        trouble = {"kind": "other", "text": text, "where": LIBRARY}
        return {"initialised": False, "trouble": trouble}
    count = ctypes.c_uint32()
    library.rsmi_num_monitor_devices(ctypes.byref(count))
    library.rsmi_shut_down()
    return {"initialised": True, "devices": count.value}


def devices(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """List the cards of rocm-smi's answer."""
    found = []
    for name in sorted((k for k in answer if re.fullmatch(r"card\d+", k)), key=lambda k: int(k[4:])):
        card = answer[name]
        power = [
            str(v) for k, v in card.items() if k.endswith("Graphics Package Power (W)") and not k.startswith("Max")
        ]
        found.append(
            {
                "index": int(name[4:]),
                "name": card.get("Card Series") or card.get("Card series"),
                "vendor": "amd",
                "power_reported": any(re.fullmatch(r"[\d.]+", p) for p in power),
            }
        )
    return found


def nvidia() -> list[dict[str, Any]]:
    """List NVIDIA GPUs, where nvidia-smi is there."""
    path = shutil.which("nvidia-smi")
    if path is None:
        return []
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run([path, "-L"], capture_output=True, timeout=LIMIT_S, check=False)
        names = re.findall(r"^GPU (\d+): (.+?) \(UUID", done.stdout.decode(errors="replace"), re.MULTILINE)
        return [{"index": int(i), "name": name, "vendor": "nvidia"} for i, name in names]
    return []


def probe() -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask everything; returns the finding and rocm-smi's parsed output."""
    command, answer = call_command()
    green = nvidia()
    rank = os.environ.get("SLURM_PROCID") or os.environ.get("RANK")
    return {
        "host": socket.gethostname(),
        "rank": int(rank) if rank and rank.isdigit() else None,
        "initstate": initstate(),
        "command": command,
        "library": load_library(),
        "devices": devices(answer) or green,
        "nvidia_smi": bool(green),
        "visible_variables": {k: os.environ[k] for k in VISIBLE if k in os.environ},
    }, answer


def main() -> None:
    """Print the finding; with `--capture` also write rocm-smi's answer, for replay elsewhere."""
    cli = argparse.ArgumentParser(description="Ask this node what it offers to W&B's GPU telemetry.")
    cli.add_argument("--capture", type=Path, metavar="FILE")
    options = cli.parse_args()
    finding, answer = probe()
    if options.capture:
        options.capture.write_text(json.dumps({"probe": finding, "rocm_smi": answer}, indent=1), encoding="utf-8")
    print(json.dumps(finding), flush=True)  # noqa: T201 - the answer goes to stdout


if __name__ == "__main__":
    main()
