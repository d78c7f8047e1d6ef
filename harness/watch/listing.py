"""Asks a server for many runs at once: one small answer for up to 50 runs of a project."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
NAMES, ALL = "name", "name displayName state createdAt heartbeatAt historyLineCount summaryMetrics systemMetrics"
"""Fields of the SDK's own queries (wandb/apis/public/runs.py)."""
VIEWER = "query HarnessViewer { viewer { username } }"
_TELLING = re.compile(r"(system\.)?(gpu\.\d+\.(gpu|powerWatts)(/l:.+)?|cpu|(disk\..*\.out|network\.recv)(/l:.+)?)")


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
        self.requests = 0

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def runs(self, entity: str, project: str, ids: Sequence[str]) -> Answered:
        """Ask for these runs of a project."""
        found: list[Listed] = []
        for start in range(0, len(ids), PAGE):
            page = list(ids[start : start + PAGE])
            answer = self._ask(ALL, entity, project, {"name": {"$in": page}})
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
        return Answered(tuple(_listed(edge["node"], answer.served_at) for edge in runs["edges"]), after=following)


def _listed(node: Mapping[str, Any], served_at: float | None) -> Listed:
    summary, system = _object(node.get("summaryMetrics")), _object(node.get("systemMetrics"))
    values = {k.removeprefix("system."): n for k, v in system.items() if (n := number(v)) is not None}
    look = Look(
        state=node.get("state") or "",
        created_at=unix(node.get("createdAt")),
        heartbeat_at=unix(node.get("heartbeatAt")),
        rows=node.get("historyLineCount") or 0,
        last_row_at=number(summary.get("_timestamp")),
        odd=tuple(sorted(k for k, v in summary.items() if v in NON_FINITE)) if summary else (),
        system={k: v for k, v in values.items() if _TELLING.fullmatch(k)},
        served_at=served_at,
    )
    return Listed(node["name"], node.get("displayName") or "", look)


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
