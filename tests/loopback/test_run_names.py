"""Names of runs that the user did not name."""

from __future__ import annotations

import re

from harness.loopback.store import Store


def names(store: Store, *fields: dict[str, str]) -> list[str]:
    return [store.upsert("loopback", "p", f"run{n}", given)[0].display_name for n, given in enumerate(fields)]


def test_a_run_without_a_name_gets_two_words_and_its_number_in_the_project() -> None:
    """The form on docs.wandb.ai/models/runs/run-identifiers: `earnest-sunset-1`."""
    found = names(Store(), {}, {"displayName": "mine"}, {})
    assert found[1] == "mine"
    assert [re.sub("[a-z]+", "x", name) for name in (found[0], found[2])] == ["x-x-1", "x-x-3"]
    assert found[0].rpartition("-")[0] != found[2].rpartition("-")[0]


def test_a_run_of_a_sweep_says_so_and_counts_within_the_sweep() -> None:
    found = names(Store(), {}, {"sweep": "s1"}, {"sweep": "s2"}, {"sweep": "s1"})
    assert [name.partition("-")[2] for name in found[1:]] == ["sweep-1", "sweep-1", "sweep-2"]


def test_the_number_of_a_deleted_run_is_not_given_again_and_a_name_stays() -> None:
    store = Store()
    first, _ = store.upsert("loopback", "p", "a", {})
    name = first.display_name
    assert store.upsert("loopback", "p", "a", {})[0].display_name == name
    store.delete_run(first)
    assert store.upsert("loopback", "p", "b", {})[0].display_name.endswith("-2")
