"""On a node of eight GCDs played by stand-ins, the unmodified SDK reports every GPU, by command and by library."""

import json
import subprocess
import sys

import pytest

from harness.evidence.gpu.probe_results import parse, probe_script
from tests.evidence.gpu.cards import answer
from tests.evidence.gpu.standins import Node, install, prefix, why_not
from tests.faults.run import play, remove
from tests.faults.scenario import Scenario
from tests.faults.scenarios.telemetry import LONGER, on

needs_node = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


@pytest.mark.parametrize("generation", ["5", "6.0", "6.1+"])
def test_only_first_dies_tell_their_power(generation):
    cards = [card for name, card in answer(generation, 8).items() if name.startswith("card")]
    power = [card["Average Graphics Package Power (W)"] for card in cards]
    assert len(cards) == 8
    assert all(watts == "N/A (Secondary die)" for watts in power[1::2])
    assert all(float(watts) > 300 for watts in power[::2])


def test_without_gpus_the_driver_speaks_alone():
    assert list(answer("6.0", 0)) == ["system"]


@needs_node
@pytest.mark.parametrize("generation", ["5", "6.0", "6.1+"])
def test_probe_sees_the_node(generation, tmp_path):
    found = probed(Node(rocm=generation), tmp_path)
    assert (found.initstate, found.command.cards, found.command.rocm_generation) == ("live", 8, generation)
    assert (found.library.initialised, found.library.devices) == (True, 8)
    assert [d.power_reported for d in found.devices] == [True, False] * 4


@needs_node
def test_probe_sees_what_is_missing(tmp_path):
    found = probed(Node(initstate=None, command=False, init_status=8), tmp_path)
    assert (found.initstate, found.command.path, found.library.initialised) == (None, None, False)


def probed(node, folder):
    env = install(node, folder / "rocm", "/usr/bin:/bin")
    command = [*prefix(node), sys.executable, str(probe_script())]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)
    return parse(done.stdout.splitlines(), "probe").nodes[0]


@pytest.mark.slow
@needs_node
@pytest.mark.parametrize("sdk", ["0.30.0", "0.31.0"], ids=["command", "library"])
def test_every_gcd_reports(sdk):
    """Each way alone: a node without the library for the older SDK, one without the command for the newer."""
    node = Node(library=False) if sdk == "0.30.0" else Node(command=False)
    done = play(Scenario(name=f"eight-gcds-{sdk}", sdk=sdk, hook=on(node), job=LONGER))
    assert done.exit_code == 0, done.output
    assert {"test_every_gpu_reports", "test_gpus_were_used"} <= set(done.checks("passed"))
    assert set(done.findings.values()) <= {"info"}
    assert "sys-mi250x-second-die-power" in done.findings

    evidence = json.loads(next((done.folder / "report").rglob("evidence.json")).read_text())
    (run,) = evidence["server"]["runs"]
    system = {s["key"].removeprefix("system."): s for s in run["system"].values()}
    for index in range(8):
        assert system[f"gpu.{index}.gpu"]["minimum"] >= 90
        assert system[f"gpu.{index}.temp"]["minimum"] >= 45
        power = system.get(f"gpu.{index}.powerWatts", {"maximum": 0.0})["maximum"]
        assert power == 0 if index % 2 else power > 300
    remove(done)
