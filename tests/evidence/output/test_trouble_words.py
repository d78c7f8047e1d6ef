"""Every text of the catalogue of faults that job output can hold is kept."""

from pathlib import Path

import pytest

from harness.evidence.output.reader import OutputReader
from harness.evidence.output.trouble_words import WORTH_A_LOOK, one_of, weight

SYMPTOMS = (Path(__file__).parent / "samples" / "symptoms.txt").read_text().splitlines()


def kept_of(symptom: str) -> list[str]:
    """What is kept of a long output with the symptom in its middle."""
    reader = OutputReader(None, lambda text: text)
    reader.feed(["step 1 of 100"] * 100 + [symptom] + ["step 2 of 100"] * 100)
    output = reader.snapshot()
    return [line.text.strip() for line in (*output.wandb_lines, *output.notable)]


def test_every_symptom_survives_a_long_output() -> None:
    lost = [text for text in SYMPTOMS if not any(line and text.strip().endswith(line) for line in kept_of(text))]
    assert lost == []


@pytest.mark.parametrize(
    "line",
    [
        "step 12 of 100000 | lr 0.001 | train_loss 0.5 | images/s 812.1 | mem 12.3 GB",
        "Files already downloaded and verified",
        "[rank0] epoch time 12.1 s",
        "nid005000:1:2 [0] NCCL INFO Channel 02/32 : 0[c1000] -> 1[c6000] via P2P/IPC",
    ],
)
def test_ordinary_lines_weigh_nothing(line: str) -> None:
    assert weight(line) == 0


def test_the_choice_of_the_network_is_told_from_chatter() -> None:
    assert weight("nid005000:1:2 [0] NCCL INFO NET/OFI Selected Provider is cxi") > 0


def test_a_warning_weighs_less_than_an_error() -> None:
    assert weight("UserWarning: x is deprecated") == 1
    assert weight("RuntimeError: x") == 2


def test_the_trie_finds_what_its_words_find() -> None:
    assert one_of(["abc", "abd", "x"]) == "(?:ab(?:c|d)|x)"
    assert WORTH_A_LOOK.search(b"some modulenotfounderror here")
    assert not WORTH_A_LOOK.search(b"plain words")
