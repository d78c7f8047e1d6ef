"""Values are bounded: numbers in size, the rest in depth."""

from harness.evidence.redaction import redact
from harness.evidence.wandb_log.values import as_number, clean, clean_text, leaves, to_number


def test_whole_numbers_are_exact_as_far_as_64_bits_go() -> None:
    assert repr(as_number(2**63)) == str(2**63)
    assert isinstance(as_number(2**63 + 1), float)
    assert repr(to_number(2.0**53 - 1)) == str(2**53 - 1)
    assert isinstance(to_number(2.0**53), float)


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = {"k": value}
    return value


def test_dictionaries_are_taken_apart_to_a_depth() -> None:
    assert list(leaves("a", deep(12))) == [("a" + ".k" * 12, 1)]
    assert list(leaves("a", deep(13))) == [("a" + ".k" * 12, {"k": 1})]
    assert next(iter(leaves("a", deep(500))))[0] == "a" + ".k" * 12


def test_what_is_nested_deeper_is_cut_off() -> None:
    assert clean(deep(12)) == deep(12)
    assert "nested deeper" in str(clean(deep(13)))
    assert "nested deeper" in str(clean([[[[[[[[[[[[[1]]]]]]]]]]]]]))


def test_a_key_at_which_a_long_text_is_cut_is_not_shown_in_part():
    shown = redact(clean_text("x " * 490 + "0123456789abcdef" * 2 + "01234567" + " x" * 200))
    assert "01234567" not in shown
    assert shown.endswith("x… (1420 characters)")
