"""The GPU probe on this machine and with stand-ins for rocm-smi that answer as recorded."""

import json
import os
import stat
import subprocess
import sys
from ctypes.util import find_library

import pytest

from harness.evidence.gpu.probe_results import parse, probe_here, probe_script, read_probes

FIRST = {
    "5": {"GPU ID": "0x7408", "GPU use (%)": "42", "Average Graphics Package Power (W)": "93.0"},
    "6.0": {"Device ID": "0x7408", "GPU use (%)": "42", "Current Socket Graphics Package Power (W)": "93.0"},
    "6.1+": {"Device ID": "0x7408", "GPU Memory Allocated (VRAM%)": "3", "Average Graphics Package Power (W)": "93.0"},
}
SECOND_POWER = {"Average Graphics Package Power (W)": "N/A (Secondary die)", "Max Graphics Package Power (W)": "0.0"}


def answer(generation, cards=8):
    first = {**FIRST[generation], "Max Graphics Package Power (W)": "560.0"}
    second = {k: v for k, v in first.items() if "Power" not in k} | SECOND_POWER
    return {**{f"card{i}": second if i % 2 else first for i in range(cards)}, "system": {"Driver version": "6.3.6"}}


@pytest.fixture
def stand_in(tmp_path):
    """A command named rocm-smi that prints a text and ends with a code."""

    def make(text, code=0, stderr=""):
        (tmp_path / "answer").write_text(text)
        command = tmp_path / "rocm-smi"
        command.write_text(f"#!/bin/sh\ncat {tmp_path}/answer\necho '{stderr}' >&2\nexit {code}\n")
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    return make


@pytest.mark.parametrize("generation", FIRST)
def test_the_keys_tell_the_rocm_generation_and_odd_dies_have_no_power(stand_in, generation):
    node = probe_here(stand_in(json.dumps(answer(generation)))).nodes[0]
    assert (node.command.exit_code, node.command.cards, node.command.rocm_generation) == (0, 8, generation)
    assert [d.power_reported for d in node.devices] == [True, False] * 4
    assert node.command.seconds > 0


def test_a_warning_before_the_json_and_exit_code_2_do_not_hide_the_cards(stand_in):
    node = probe_here(stand_in("WARNING: low power state\n" + json.dumps(answer("5", 2)), 2, "odd")).nodes[0]
    assert (node.command.exit_code, node.command.cards, node.command.parsable) == (2, 2, True)
    assert "odd" in node.command.stderr


def test_an_answer_without_cards_is_told(stand_in):
    node = probe_here(stand_in('{"system": {"Driver version": "6.3.6"}}')).nodes[0]
    assert (node.command.cards, node.command.has_system_only) == (0, True)


def test_an_answer_that_is_no_json_is_told(stand_in):
    node = probe_here(stand_in("cat: /sys/module/amdgpu/initstate: No such file or directory")).nodes[0]
    assert (node.command.cards, node.command.parsable) == (0, False)


@pytest.mark.skipif(find_library("rocm_smi64") is not None, reason="this machine has the library")
def test_a_node_without_any_of_it_says_so(tmp_path):
    node = probe_here({"PATH": str(tmp_path)}).nodes[0]
    assert node.command.path is None
    assert not node.library.loadable
    assert "librocm_smi64.so" in node.library.trouble.text


def test_the_library_is_found_through_the_loaders_path(tmp_path):
    (tmp_path / "lib.c").write_text(
        "int rsmi_init(unsigned long f){return 0;} int rsmi_shut_down(void){return 0;}"
        "int rsmi_num_monitor_devices(unsigned *n){*n=8;return 0;}"
    )
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", str(tmp_path / "librocm_smi64.so"), str(tmp_path / "lib.c")], check=True
    )
    node = probe_here({"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(tmp_path)}).nodes[0]
    assert (node.library.loadable, node.library.initialised, node.library.devices) == (True, True, 8)


def test_a_library_that_refuses_to_initialise_is_told(tmp_path):
    (tmp_path / "lib.c").write_text(
        "int rsmi_init(unsigned long f){return 8;} int rsmi_shut_down(void){return 0;}"
        "int rsmi_num_monitor_devices(unsigned *n){return 0;}"
    )
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", str(tmp_path / "librocm_smi64.so"), str(tmp_path / "lib.c")], check=True
    )
    node = probe_here({"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(tmp_path)}).nodes[0]
    assert (node.library.loadable, node.library.initialised) == (True, False)
    assert "rsmi_init answered 8" in node.library.trouble.text


def test_a_capture_holds_the_answer(stand_in, tmp_path):
    target = tmp_path / "capture.json"
    subprocess.run(
        [sys.executable, str(probe_script()), "--capture", str(target)],
        env=stand_in(json.dumps(answer("6.1+"))), check=True, capture_output=True,
    )  # fmt: skip
    captured = json.loads(target.read_text())
    assert captured["rocm_smi"] == answer("6.1+")
    assert captured["probe"]["command"]["cards"] == 8


def test_probes_of_several_nodes_are_read_and_what_is_none_is_told(tmp_path):
    (tmp_path / "gpu-0.json").write_text('module loaded\n{"host": "nid005000", "rank": 0}\n')
    (tmp_path / "gpu-1.json").write_text('{"host": "nid005001"}\n{"hostess": 1}\n')
    found = read_probes(sorted(tmp_path.glob("gpu-*.json")))
    assert [n.host for n in found.nodes] == ["nid005000", "nid005001"]
    assert [t.kind for t in found.troubles] == ["protocol"]
    assert parse([], "x").troubles[0].kind == "missing"
