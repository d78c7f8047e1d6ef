"""A GraphQL request costs no more than the SDK's own requests call for, and more is refused in words."""

from __future__ import annotations

import time

import pytest
from graphql import parse

from harness.loopback import limits
from harness.loopback.limits import DEEPEST_DOCUMENT, MOST_TOKENS, too_deep, too_large
from tests.loopback.conftest import Client


def chain(count: int) -> str:
    """A document whose fragments use each other, each a level deeper, and twice."""
    texts = [f"fragment F{n} on User {{ a: user {{ ...F{n + 1} }} b: user {{ ...F{n + 1} }} }}" for n in range(count)]
    return "{ viewer { ...F0 } } " + " ".join(texts) + f" fragment F{count} on User {{ id }}"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{ viewer { " + "id " * MOST_TOKENS + "} }", "tokens"),
        ("{ a " * (DEEPEST_DOCUMENT + 1) + "}" * (DEEPEST_DOCUMENT + 1), "nested deeper"),
        ("{ a(b: " + "[" * 5000, "nested deeper"),
        ("{ " + "a" * 300 + " }", "a name in it"),
        ("# " + "x" * limits.LONGEST_QUERY, "characters"),
    ],
)
def test_a_document_that_is_too_large(query: str, words: str) -> None:
    assert words in str(too_large(query))


def test_fragments_count_where_they_are_used() -> None:
    assert too_deep(parse(chain(DEEPEST_DOCUMENT - 2))) is None
    assert too_deep(parse(chain(DEEPEST_DOCUMENT - 1))) is not None
    assert too_deep(parse("fragment F on User { id }")) is None


def test_an_answer_that_would_grow_with_each_level(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        client.upsert(f"run{number}")
    monkeypatch.setattr(limits.Budget.__init__, "__defaults__", (2000,))
    query = (
        'query Deep { project(name: "p") { ' + "runs { edges { node { project { " * 6 + "id" + " } } } }" * 6 + " } }"
    )
    begun = time.process_time()
    reply = client.graphql(query)
    assert (reply.status, time.process_time() - begun < 5) == (400, True)
    assert "more than 2000 values" in reply.json["errors"][0]["message"]


def test_a_document_that_is_too_large_names_what_is_wrong(client: Client) -> None:
    reply = client.graphql("query Long { viewer { " + "id " * MOST_TOKENS + "} }")
    assert "more than 1000 tokens" in reply.json["errors"][0]["message"]
