"""Asks a server for many runs at once: one small answer for up to 50 runs of a project."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.evidence.models import Trouble
from harness.evidence.network.graphql import GraphqlClient
from harness.evidence.network.route import extra_headers, proxy_for, trust_for
from harness.evidence.server.convert import NON_FINITE, number, unix
from harness.watch.track import Look

PAGE, MOST = 50, 1000
"""Runs of one answer, and of a project."""
SECONDS = 15.0
QUERY = """query HarnessWatch($entity: String!, $project: String!, $filters: JSONString, $first: Int, $after: String) {
  project(name: $project, entityName: $entity) {
    runs(filters: $filters, first: $first, after: $after, order: "-created_at") {
      edges { node { FIELDS } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""
NAMES, SIGNS = "name", "name displayName state createdAt heartbeatAt historyLineCount summaryMetrics"
SYSTEM = f"{SIGNS} systemMetrics"
"""Fields of the SDK's own queries (wandb/apis/public/runs.py). System metrics are the bulk of an answer: 50 kB for a
run of 64 GPUs."""
ROOM, UNKNOWN = 1 << 20, 100 << 10
"""Bytes of system metrics in one answer, and of one run while none was seen."""
VIEWER = "query HarnessViewer { viewer { username } }"
_TELLING = re.compile(r"gpu\.\d+\.(gpu|powerWatts)|cpu|disk\.(.*\.)?out|network\.recv")


@dataclass(frozen=True)
class Listed:
    """One run of an answer."""

    id: str
    name: str
    look: Look


@dataclass(frozen=True)
class Answered:
    """What came of one question."""

    runs: tuple[Listed, ...] = ()
    trouble: Trouble | None = None
    retry_after_s: float | None = None
    after: str | None = None
    """Where the next page begins; None: there is none."""


class Listing:
    """One server, asked as the user; holds the key and never shows it."""

    def __init__(self, base_url: str, key: str, env: Mapping[str, str]) -> None:
        trust = trust_for(env, tls=base_url.lower().startswith("https"))
        self._client = GraphqlClient(
            base_url, api_key=key, proxy=proxy_for(base_url, env), trust=trust, headers=extra_headers(env)
        )
        self._largest = 0
        self.requests = 0

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def runs(self, entity: str, project: str, ids: Sequence[str], *, system: bool) -> Answered:
        """Ask for these runs of a project, with their system metrics or without."""
        found: list[Listed] = []
        waiting = list(ids)
        while waiting:
            most = min(PAGE, max(1, ROOM // (self._largest or UNKNOWN))) if system else PAGE
            page, waiting = waiting[:most], waiting[most:]
            answer = self._ask(SYSTEM if system else SIGNS, entity, project, {"name": {"$in": page}})
            if answer.trouble:
                return answer
            found += answer.runs
        return Answered(tuple(found))

    def running(self, entity: str, project: str, user: str | None) -> Answered:
        """Ask for the ids of a project's runs that run now, of one user or of all; the newest come first."""
        filters = {"state": "running", **({"username": user} if user else {})}
        answer = self._ask(NAMES, entity, project, filters)
        found = list(answer.runs)
        while answer.after and len(found) < MOST:
            answer = self._ask(NAMES, entity, project, filters, answer.after)
            found += answer.runs
        return answer if answer.trouble else Answered(tuple(found))

    def me(self) -> str | None:
        """Return the name of the key's owner."""
        self.requests += 1
        viewer = self._client.ask(VIEWER, {}, SECONDS).data.get("viewer")
        return viewer.get("username") if isinstance(viewer, dict) else None

    def _ask(
        self, fields: str, entity: str, project: str, filters: Mapping[str, Any], after: str | None = None
    ) -> Answered:
        self.requests += 1
        names = {"entity": entity, "project": project, "filters": json.dumps(filters), "first": PAGE, "after": after}
        answer = self._client.ask(QUERY.replace("FIELDS", fields), names, SECONDS)
        if answer.trouble:
            return Answered(trouble=answer.trouble, retry_after_s=answer.retry_after)
        found = answer.data.get("project")
        if not isinstance(found, dict):
            where = f"{entity}/{project}"
            return Answered(trouble=Trouble(kind="not_found", text=f"there is no project {where}, or it is not open"))
        runs = found["runs"]
        following = runs["pageInfo"]["endCursor"] if runs["pageInfo"]["hasNextPage"] else None
        nodes = [edge["node"] for edge in runs["edges"]]
        self._largest = max((self._largest, *(len(node.get("systemMetrics") or "") for node in nodes)))
        return Answered(tuple(_listed(node, answer.served_at) for node in nodes), after=following)


def _listed(node: Mapping[str, Any], served_at: float | None) -> Listed:
    summary, system = _object(node.get("summaryMetrics")), _object(node.get("systemMetrics"))
    look = Look(
        state=node.get("state") or "",
        created_at=unix(node.get("createdAt")),
        heartbeat_at=unix(node.get("heartbeatAt")),
        rows=node.get("historyLineCount") or 0,
        last_row_at=number(summary.get("_timestamp")),
        odd=tuple(sorted(k for k, v in summary.items() if v in NON_FINITE)) if summary else (),
        system={k: n for key, v in system.items()
                if _tells((k := key.removeprefix("system.")).partition("/l:")[0]) and (n := number(v)) is not None},
        numbers=len(system),
        served_at=served_at,
    )  # fmt: skip
    return Listed(node["name"], node.get("displayName") or "", look)


@lru_cache(maxsize=4096)
def _tells(metric: str) -> bool:
    """Whether a system metric shows what the machine does."""
    return _TELLING.fullmatch(metric) is not None


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
