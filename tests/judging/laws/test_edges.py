"""Law 4: each edge of the graph is legal, and there is a case that needs it."""

import pytest

from harness.judging.catalogue import catalogue
from harness.judging.causes import CRASH
from harness.judging.check import bare
from harness.judging.graph import Graph, standard_graph
from tests.judging.laws.recorded_hits import heard
from tests.judging.tiny import check, entry, graph

EDGES = [(one.id, origin) for one in catalogue().values() for origin in one.follows_from]


def illegal(the_graph: Graph) -> list[str]:
    """Say what is wrong with the edges of a graph."""
    entries, found = the_graph.entries, []
    for follower, origins in the_graph.origins.items():
        for origin in origins:
            if follower in the_graph.origins[origin]:
                found.append(f"{follower} and {origin} follow from each other")
            if CRASH in entries[follower].fails and entries[origin].severity != "error":
                found.append(f"{follower} ends jobs, and {origin} is no error")
            if more := {bare(name) for name in entries[follower].fails} - the_graph.accounts_for(origin):
                found.append(f"{follower} makes {', '.join(sorted(more))} fail, {origin} does not")
    return found


def test_every_edge_is_legal():
    assert illegal(standard_graph()) == []


def test_every_origin_is_a_fault_of_the_catalogue():
    assert {origin for _, origin in EDGES} <= set(catalogue())


def needed(follower: str, origin: str) -> bool:
    """Whether some recorded case gets another verdict without it."""
    entries = dict(catalogue())
    rest = tuple(other for other in entries[follower].follows_from if other != origin)
    entries[follower] = entries[follower].model_copy(update={"follows_from": rest})
    without = Graph(standard_graph().checks, entries)
    cases = [case for case in heard().values() if {follower, origin} <= {hit.id for hit in case.hits}]
    return any(case.told(standard_graph()) != case.told(without) for case in cases)


def test_every_edge_is_needed():
    assert [edge for edge in EDGES if not needed(*edge)] == []


@pytest.mark.parametrize(
    ("broken", "wrong"),
    [
        (graph(entry("x", "a", follows="y"), entry("y", "a", follows="x")), "follow from each other"),
        (graph(entry("x", "ab", follows="y"), entry("y", "a")), "makes test_b fail"),
        (
            graph(
                entry("x", follows="y").model_copy(update={"fails": (CRASH,)}),
                entry("y", severity="warning").model_copy(update={"fails": (CRASH,)}), checks=(check("job_completed"),),
            ),
            "is no error",
        ),
    ],
)  # fmt: skip
def test_a_broken_graph_is_seen(broken, wrong):
    assert any(wrong in line for line in illegal(broken))
