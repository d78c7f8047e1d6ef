"""A running loopback server and a small client that speaks to it as the SDK does."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import urllib.parse
from dataclasses import dataclass
from typing import Any

import pytest

from harness.loopback.server import LoopbackServer

UPSERT = """
mutation UpsertBucket($name: String, $project: String, $entity: String, $config: JSONString, $tags: [String!],
                      $groupName: String, $displayName: String, $state: String, $summaryMetrics: JSONString) {
  upsertBucket(input: {name: $name, modelName: $project, entityName: $entity, config: $config, tags: $tags,
                       groupName: $groupName, displayName: $displayName, state: $state,
                       summaryMetrics: $summaryMetrics}) {
    bucket { id name displayName config historyLineCount project { name entity { name } } }
    inserted
  }
}
"""


@dataclass
class Reply:
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """HTTP with the key of the server, or with another."""

    server: LoopbackServer
    key: str | None = None
    agent: str = "wandb-core"

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, timeout: float = 10
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)
        key = self.server.api_key if self.key is None else self.key
        auth = {"Authorization": "Basic " + base64.b64encode(f"api:{key}".encode()).decode()} if key else {}
        try:
            connection.request(method, path, body, {"User-Agent": self.agent, **auth, **(headers or {})})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def post(self, path: str, value: Any, headers: dict[str, str] | None = None, timeout: float = 10) -> Reply:
        body = json.dumps(value).encode()
        if (headers or {}).get("Content-Encoding") == "gzip":
            body = gzip.compress(body)
        return self.request("POST", path, body, headers, timeout)

    def graphql(self, query: str, timeout: float = 10, **variables: Any) -> Reply:
        return self.post("/graphql", {"query": query, "variables": variables}, timeout=timeout)

    def data(self, query: str, **variables: Any) -> Any:
        reply = self.graphql(query, **variables)
        assert reply.status == 200, reply.body
        assert "errors" not in reply.json, reply.json
        return reply.json["data"]

    def upsert(self, name: str = "run1", **fields: Any) -> Any:
        given = {"project": "p", "entity": "loopback"} | fields
        return self.data(UPSERT, name=name, **given)["upsertBucket"]

    def stream(self, name: str = "run1", *, gzipped: bool = False, **body: Any) -> Reply:
        headers = {"Content-Encoding": "gzip"} if gzipped else {}
        return self.post(f"/files/loopback/p/{urllib.parse.quote(name)}/file_stream", body, headers)

    def log(self, rows: list[dict[str, Any]], *, name: str = "run1", offset: int = 0) -> Reply:
        lines = [json.dumps(row) for row in rows]
        return self.stream(name, files={"wandb-history.jsonl": {"offset": offset, "content": lines}})


@pytest.fixture
def server():
    with LoopbackServer() as running:
        yield running
        assert running.crashes == []


@pytest.fixture
def client(server: LoopbackServer) -> Client:
    return Client(server)
