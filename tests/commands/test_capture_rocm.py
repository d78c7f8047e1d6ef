"""A capture keeps what kind of GPU it is and leaves out which one."""

import json

from harness.commands.capture_rocm import main, redacted


def test_what_identifies_a_device_is_left_out_and_every_key_stays():
    answer = {
        "card0": {"Serial Number": "PCB0123", "Unique ID": "0xdeadbeef", "GPU use (%)": "42"},
        "system": {"PID": "1"},
    }
    kept = redacted(answer)
    assert kept["card0"] == {"Serial Number": "[redacted]", "Unique ID": "[redacted]", "GPU use (%)": "42"}
    assert kept["system"] == {"PID": "[redacted]"}


def test_a_node_without_gpus_gives_a_sample_that_says_so(tmp_path, capsys):
    target = tmp_path / "sample.json"
    assert main([str(target)]) == 0
    sample = json.loads(target.read_text())
    assert sample["probe"]["host"] == "node"
    assert "rocm-smi shows 0 GPUs" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere" / "sample.json")]) == 4
    assert "cannot be written" in capsys.readouterr().err
