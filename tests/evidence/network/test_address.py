"""The server's address: what the SDK refuses of it, and how versions of the SDK are compared."""

import pytest

from harness.evidence.network.address import base_url_problem, split_url, version_tuple


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://api.wandb.ai", None),
        ("http://127.0.0.1:8080/prefix/", None),
        ("https://wandb.example.org", None),
        ("https://wandb.ai", "did you mean https://api.wandb.ai?"),
        ("https://app.wandb.ai/", "did you mean https://api.wandb.ai?"),
        ("http://api.wandb.ai", "http is not secure"),
        ("api.wandb.ai", "relative URL without a base"),
        ("localhost:8080", "URL scheme should be 'http' or 'https'"),
        ("", "input is empty"),
        ("https://api.wandb.ai ", "strict URL syntax"),
        ("http://host:99999", "invalid port"),
    ],
)
def test_the_sdk_refuses_some_addresses(url, words):
    problem = base_url_problem(url)
    if words is None:
        assert problem is None
    else:
        assert words in problem


def test_the_suggestion_follows_the_sdk():
    assert "https://api.forge.coreweave.com" in base_url_problem("https://wandb.ai", "0.31.0")
    assert "https://api.wandb.ai" in base_url_problem("https://wandb.ai", "0.30.0")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0.31.0", (0, 31, 0)),
        ("0.28.3.dev1", (0, 28, 3)),
        ("0.26.0rc2", (0, 26, 0)),
        (None, (0, 31, 0)),
        ("x", (0, 31, 0)),
    ],
)
def test_versions_are_compared_by_their_numbers(text, numbers):
    assert version_tuple(text) == numbers


@pytest.mark.parametrize("url", ["http://[", "http://h:port/", "http://h:99999/"])
def test_an_address_that_cannot_be_split_has_no_parts(url):
    assert split_url(url).netloc == ""
