"""A tiny graph to try the mechanism on: checks a, b, c and causes with letters of their own."""

from __future__ import annotations

from harness.judging.catalogue import Entry
from harness.judging.causes import Suspect, consequences, roots, suspects
from harness.judging.check import Check
from harness.judging.graph import Graph
from harness.judging.rule import Hit


def check(name: str, *needs: str, brings: str = "") -> Check:
    """A check that always holds; `brings` are names in one string."""
    needed, brought = (tuple(f"test_{n}" for n in names) for names in (needs, brings.split()))
    return Check("test_x.py", f"test_{name}", lambda _case, _parameter: None, needed, brought)


def entry(name: str, fails: str = "", follows: str = "", severity: str = "error") -> Entry:
    """A cause that makes checks (letters) fail, and follows from other causes (words)."""
    return Entry(
        id=name, family="init", severity=severity, stage="init", title=name, meaning="m.", advice=(),
        guide_section="-", fails=tuple(f"test_{c}" for c in fails), follows_from=tuple(follows.split()),
    )  # fmt: skip


def graph(*entries: Entry, checks: tuple[Check, ...] = (check("a"), check("b"), check("c"))) -> Graph:
    """The graph of these causes."""
    return Graph(checks, {e.id: e for e in entries})


def suspected(the_graph: Graph, failed: str, *hits: Hit | str) -> list[Suspect]:
    """Suspects, where the checks of these letters failed."""
    every = [h if isinstance(h, Hit) else Hit(id=h, observed=()) for h in hits]
    return suspects(every, [f"test_x.py::test_{c}" for c in failed], the_graph)


def root_ids(the_graph: Graph, failed: str, *hits: Hit | str) -> list[str]:
    """Ids of the root causes."""
    return [s.hit.id for s in roots(suspected(the_graph, failed, *hits), the_graph)]


def set_aside(the_graph: Graph, failed: str, *hits: Hit | str) -> dict[str, str]:
    """Failed checks that are mere consequences, by letter, and the letter of the symptom that they follow from."""
    causes = roots(suspected(the_graph, failed, *hits), the_graph)
    found = consequences([f"test_x.py::test_{c}" for c in failed], causes, the_graph)
    return {name[-1]: by[-1] for name, by in found.items()}
