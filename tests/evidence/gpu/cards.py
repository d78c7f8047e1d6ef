"""What `rocm-smi -a --json` says about the MI250X dies of a LUMI-G node, for each ROCm generation.

Written anew from public records: wandb/wandb#5449 (LUMI nid005113: board, sensors, no power on odd dies), test data of
the SDK (core/pkg/monitor/gpu_amd_test.go, keys of ROCm 5 and 6.1) and pytorch/serve (`N/A (Secondary die)`).
"""

from __future__ import annotations

from typing import Literal

Generation = Literal["5", "6.0", "6.1+"]
Load = Literal["busy", "idle", "zero"]
"""`idle`: powered and warm, doing nothing; `zero`: every value reads 0, as of a tool that does not fit the driver."""

BUSES = ("C1", "C6", "C9", "CE", "D1", "D6", "D9", "DE")
BOARD = "AMD INSTINCT MI200 (MCM) OAM LC MBA HPE C2"


def answer(generation: Generation, count: int, load: Load = "busy", moment: int = 0) -> dict[str, dict[str, str]]:
    """Return rocm-smi's JSON for so many dies; `moment` moves the values a little. Zero dies: the driver alone."""
    driver = {"5": "5.16.9.22.20", "6.0": "6.3.6", "6.1+": "6.7.0"}[generation]
    cards = {f"card{index}": _card(generation, index, load, moment) for index in range(count)}
    return {**cards, "system": {"Driver version": driver}}


def _card(generation: Generation, index: int, load: Load, moment: int) -> dict[str, str]:
    busy, real = load == "busy", load != "zero"
    use = 90 + (index + moment) % 10 if busy else 0
    memory = 40 + moment % 3 if busy else 0
    celsius = (45.0 if busy else 36.0) + index + moment % 4 if real else 0.0
    watts = (380.0 if busy else 89.0) + 3 * index + moment if real else 0.0
    card = {
        ("GPU ID" if generation == "5" else "Device ID"): "0x7408",
        "Unique ID": f"0x87fc3ea34b2236{index:02x}",
        "VBIOS version": "113-D65201-046",
        "Temperature (Sensor edge) (C)": str(max(0.0, celsius - 8)),
        "Temperature (Sensor junction) (C)": str(max(0.0, celsius - 5)),
        "Temperature (Sensor memory) (C)": str(celsius),
        "Performance Level": "auto",
        "GPU OverDrive value (%)": "0",
        "GPU Memory OverDrive value (%)": "0",
        "Max Graphics Package Power (W)": "560.0" if index % 2 == 0 else "0.0",
        "Average Graphics Package Power (W)": str(watts) if index % 2 == 0 else "N/A (Secondary die)",
        "GPU use (%)": str(use),
        "GFX Activity": str(1141796410 + moment),
        "GPU memory vendor": "hynix",
        "PCI Bus": f"0000:{BUSES[index]}:00.0",
        "Valid sclk range": "500Mhz - 1700Mhz",
        "Valid mclk range": "400Mhz - 1600Mhz",
    }
    if generation == "6.1+":
        activity = {"GPU Memory Allocated (VRAM%)": str(memory), "GPU Memory Read/Write Activity (%)": str(use // 4)}
        name = {"Device Name": BOARD, "Card Series": BOARD, "Card Model": "0x7408", "GFX Version": "gfx90a"}
        maker = {"Card Vendor": "Advanced Micro Devices, Inc. [AMD/ATI]", "Card SKU": "D65201"}
        return {**card, **activity, **name, **maker}
    # Up to 6.0 this field tells how busy the memory is, not how full: about 0 on a node that works.
    activity = {"GPU memory use (%)": str(moment % 3 if busy else 0)}
    name = {"Card series": BOARD, "Card model": "0x0b0c", "Card vendor": "Advanced Micro Devices, Inc. [AMD/ATI]"}
    return {**card, **activity, **name, "Card SKU": "D65201"}
