"""Secrets and terminal control never get through; ordinary text does, unharmed and quickly."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evidence.redaction.redactor import Redactor, clean, cut, redact, strip_control

HEX = "0123456789abcdef0123456789abcdef01234567"
NEW = "wandb_v1_" + "Ab3" * 25 + "zz"
SENT = base64.b64encode(f"api:{NEW}".encode()).decode()
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (HEX, "[redacted]"),
        (HEX.upper(), "[redacted]"),
        (f"export WANDB_API_KEY={HEX}", "export WANDB_API_KEY=[redacted]"),
        (f'WANDB_API_KEY="{NEW}"', 'WANDB_API_KEY="[redacted]"'),
        (f"key_{HEX}.", "key_[redacted]."),
        (f"local-{HEX}", "[redacted]"),
        (f"got {NEW}, ok", "got [redacted], ok"),
        (f"wandb.login(key='{HEX}')", "wandb.login(key='[redacted]')"),
        ("wandb.login(key='short1')", "wandb.login(key='[redacted]')"),
        ("https://me:pw123@host:8080/x", "https://[redacted]@host:8080/x"),
        (f"http://{HEX}@host/x", "http://[redacted]@host/x"),
        ("GET /?api_key=abc123&x=1", "GET /?api_key=[redacted]&x=1"),
        ("'api_key': 'abc123', 'x': 1", "'api_key': '[redacted]', 'x': 1"),
        (f"Authorization: Basic {SENT}", "Authorization: [redacted]"),
        ('{"authorization": "Bearer abc.def"}', '{"authorization": "[redacted]"}'),
        (f"sent {SENT}", "sent [redacted]"),
        (f"token {JWT}", "token [redacted]"),
        ("machine h login user password s3cret", "machine h login user password [redacted]"),
        (f"\x1b[31m{HEX[:20]}\x1b[0m{HEX[20:]}", "[redacted]"),
        (f"ValueError: API-key must be exactly 40 characters long: {NEW} (86 chars)",
         "ValueError: API-key must be exactly 40 characters long: [redacted] (86 chars)"),
    ],
)  # fmt: skip
def test_what_looks_like_a_key_is_replaced(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Epoch 1, Loss: 0.25",
        "wandb.errors.UsageError: api_key not configured (no-tty). call wandb.login(key=[your_api_key])",
        "WANDB_API_KEY invalid: API key must have 40+ characters, has 3.",
        "export WANDB_API_KEY=$(cat ~/.wandb_key)",
        "WANDB_API_KEY=<your_api_key>",
        "api_key=None",
        "pad_token=0 max_new_token: 5",
        "git@github.com:a/b.git",
        "https://wandb.ai/me/project/runs/abc12345",
        f"sha256:{HEX}{HEX[:24]}",
        "grüße, 日本語\tok\nnext",
    ],
)
def test_ordinary_text_stays(text):
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b[1;1Hhello", "hello"),
        ("\x1b]0;title\x07hello", "hello"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bcreset", "reset"),
        ("\x9b31mred", "31mred"),
        ("a\x00b\x07c\x7fd", "abcd"),
        ("one\r\ntwo", "one\ntwo"),
        ("10%\r20%", "10%\n20%"),
        ("user\u202etxt", "usertxt"),
        ("bad\udc80byte\ufffe", "badbyte"),
    ],
)
def test_terminal_control_is_taken_out(text, shown):
    assert strip_control(text) == shown
    assert redact(text) == shown


@pytest.mark.parametrize("before", [60, 99, 120, 159, 160, 199, 200])
@pytest.mark.parametrize("filler", ["word ", "word,"])
def test_a_text_is_cut_so_that_no_half_of_a_key_is_left(before, filler):
    text = (filler * 40)[: before - 1] + "=" + HEX + " " + filler * 40
    shown = cut(text, 200)
    assert 100 <= len(shown) <= 200
    assert text.startswith(shown)
    assert HEX[:8] not in redact(shown)
    assert cut(shown, 200) == shown


def test_given_secrets_are_replaced_wherever_they_stand():
    assert redact("x-hunter2hunter2-x", ["hunter2hunter2"]) == "x-[redacted]-x"


def test_a_short_secret_is_replaced_as_a_word_alone():
    redactor = Redactor(["pass"])
    assert redactor.text("compass pass bypass") == "compass [redacted] bypass"


def test_a_tiny_secret_would_only_take_words_apart():
    assert Redactor(["abc"]).text("abc abcd") == "abc abcd"


@pytest.mark.parametrize("secret", ["hunter2/hunter+2", '"hunter2hunter2"', " hunter2hunter2\n"])
def test_every_form_of_a_secret_is_known(secret):
    redactor = Redactor([secret])
    bare = secret.strip().strip('"')
    sent = base64.b64encode(f"api:{bare}".encode()).decode()
    for form in (bare, secret.strip(), bare.replace("/", "%2F").replace("+", "%2B"), sent):
        assert bare not in redactor.text(f"<{form}>")
        assert "[redacted]" in redactor.text(f"<{form}>")


def test_values_are_redacted_to_any_depth_keys_included():
    value = {"a": [1, None, True, 2.5, {HEX: ("x", f"key {HEX}")}], "b": "plain"}
    assert Redactor().value(value) == {
        "a": [1, None, True, 2.5, {"[redacted]": ["x", "key [redacted]"]}],
        "b": "plain",
    }


def test_a_value_of_endless_depth_ends():
    value: list[object] = []
    for _ in range(10_000):
        value = [value]
    assert "[too deep]" in json.dumps(Redactor().value(value))


def test_a_redactor_shows_no_secret():
    redactor = Redactor([HEX, "hunter2hunter2"])
    assert HEX not in repr(redactor)
    assert "hunter2" not in f"{redactor!r} {redactor}"


def test_clean_bounds_the_length():
    assert clean("x" * 50, 10) == "x" * 9 + "…"
    assert clean("short", 10) == "short"
    assert clean("", 0) == ""


def test_clean_redacts_before_it_cuts():
    assert HEX[:20] not in clean(f"say {HEX} end", 30)
    assert "hunter2" not in clean("say hunter2hunter2 end", 12, ["hunter2hunter2"])


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_key_is_found_in_any_surroundings(before, after):
    shown = redact(f"{before} {NEW} {after} {HEX} ")
    assert NEW not in shown
    assert HEX not in shown


@given(st.text(max_size=200))
def test_the_result_is_safe_and_redacting_again_changes_nothing(text):
    shown = redact(text)
    assert not any(ch in shown for ch in "\x1b\r\x00\x9b\u202e")
    shown.encode("utf-8")
    assert redact(shown) == shown
