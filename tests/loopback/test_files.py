"""Upload and download of files: signed links, keys, names that try to escape."""

from __future__ import annotations

import base64
import hashlib
import urllib.parse

import pytest

from tests.loopback.conftest import Client

CREATE = """mutation CreateRunFiles($r: String!, $f: [String!]!) {
    createRunFiles(input: {entityName: "loopback", projectName: "p", runName: $r, files: $f}) {
        runID uploadHeaders files { name uploadUrl } } }"""
FILES = """query RunFiles($n: [String], $p: String, $c: String, $l: Int) {
    project(name: "p", entityName: "loopback") { run(name: "run1") { fileCount
        files(names: $n, pattern: $p, after: $c, first: $l) {
            edges { node { id name url directUrl sizeBytes mimetype md5 updatedAt } cursor }
            pageInfo { endCursor hasNextPage } } } } }"""


def path_of(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def upload(client: Client, name: str, content: bytes = b"content") -> None:
    [file] = client.data(CREATE, r="run1", f=[name])["createRunFiles"]["files"]
    assert file["name"] == name
    assert Client(client.server, key="").request("PUT", path_of(file["uploadUrl"]), content).status == 200


@pytest.mark.parametrize("name", ["a.txt", "media/table/x y.json", "../../etc/passwd", "ü?#%2F.txt", "a:b", "x" * 200])
def test_upload_and_both_downloads(client: Client, name: str) -> None:
    client.upsert()
    upload(client, name)
    run = client.data(FILES)["project"]["run"]
    [node] = [edge["node"] for edge in run["files"]["edges"]]
    assert (run["fileCount"], node["name"], node["sizeBytes"]) == (1, name, 7)
    assert node["md5"] == base64.b64encode(hashlib.md5(b"content").digest()).decode()
    assert client.request("GET", path_of(node["url"])).body == b"content"
    stranger = Client(client.server, key="")
    assert stranger.request("GET", path_of(node["directUrl"])).body == b"content"
    assert stranger.request("GET", path_of(node["url"])).status == 401
    assert client.server.store.runs()[0].files == {name: b"content"}


def test_a_link_is_good_for_its_file_only(client: Client) -> None:
    client.upsert()
    [file] = client.data(CREATE, r="run1", f=["a.txt"])["createRunFiles"]["files"]
    other = path_of(file["uploadUrl"]).replace("a.txt", "b.txt")
    stranger = Client(client.server, key="")
    assert stranger.request("PUT", other, b"x").status == 403
    assert stranger.request("PUT", other.partition("?")[0] + "?signature=", b"x").status in (401, 403)
    assert client.server.store.runs()[0].files == {}


def test_listing_by_name_pattern_and_page(client: Client) -> None:
    client.upsert()
    for name in ("a.json", "b.json", "c.txt"):
        upload(client, name)

    def names(**variables: object) -> list[str]:
        edges = client.data(FILES, **variables)["project"]["run"]["files"]["edges"]
        return [edge["node"]["name"] for edge in edges]

    assert names() == ["a.json", "b.json", "c.txt"]
    assert names(n=["c.txt"]) == ["c.txt"]
    assert names(p="%.json") == ["a.json", "b.json"]
    assert names(p="_.txt") == ["c.txt"]
    first = client.data(FILES, l=2)["project"]["run"]["files"]
    assert first["pageInfo"]["hasNextPage"]
    assert names(l=2, c=first["pageInfo"]["endCursor"]) == ["c.txt"]


def test_deleting_a_file(client: Client) -> None:
    client.upsert()
    upload(client, "a.txt")
    node = client.data(FILES)["project"]["run"]["files"]["edges"][0]["node"]
    query = "mutation D($f: [ID!]!) { deleteFiles(input: {files: $f}) { success } }"
    assert client.data(query, f=[node["id"]]) == {"deleteFiles": {"success": True}}
    assert client.data(FILES)["project"]["run"]["fileCount"] == 0
    assert client.graphql(query, f=["nonsense"]).status == 404


def test_missing_files_and_runs(client: Client) -> None:
    client.upsert()
    assert client.request("GET", "/files/loopback/p/run1/none.txt").status == 404
    assert client.request("GET", "/files/loopback/p/other/none.txt").status == 404
    assert client.request("GET", "/files/someone-else/p/run1/none.txt").status == 403
    assert client.request("DELETE", "/files/loopback/p/run1/none.txt").status == 404
    assert client.graphql(CREATE, r="other", f=["a"]).status == 404


def test_an_artifact_is_accepted_and_forgotten(client: Client) -> None:
    client.upsert()
    create = """mutation CreateArtifact($input: CreateArtifactInput!) { createArtifact(input: $input) {
        artifact { id state artifactSequence { latestArtifact { id } } } } }"""
    fields = {"entityName": "loopback", "projectName": "p", "runName": "run1", "artifactTypeName": "model",
              "artifactCollectionName": "m", "digest": "d1"}  # fmt: skip
    made = client.data(create, input=fields)["createArtifact"]["artifact"]
    assert (made["state"], made["artifactSequence"]["latestArtifact"]) == ("PENDING", None)
    specs = [{"artifactID": made["id"], "name": "weights.pt", "md5": "x"}]
    query = """mutation F($f: [CreateArtifactFileSpecInput!]!) { createArtifactFiles(input: {artifactFiles: $f}) {
        files { edges { node { storagePath uploadUrl artifact { id } } } } } }"""
    node = client.data(query, f=specs)["createArtifactFiles"]["files"]["edges"][0]["node"]
    stranger = Client(client.server, key="")
    assert stranger.request("PUT", path_of(node["uploadUrl"]), b"x" * 3_000_000).status == 200
    assert stranger.request("PUT", path_of(node["uploadUrl"]).partition("?")[0], b"x").status == 403
    commit = "mutation C($a: ID!) { commitArtifact(input: {artifactID: $a}) { artifact { id digest } } }"
    assert client.data(commit, a=made["id"])["commitArtifact"]["artifact"] == {"id": made["id"], "digest": "d1"}
    again = client.data(create, input=fields)["createArtifact"]["artifact"]
    assert (again["id"], again["state"]) == (made["id"], "COMMITTED")
    named = 'query A { project(name: "p") { artifact(name: "m:v0") { id artifactType { name } } } }'
    assert client.data(named)["project"]["artifact"] == {"id": made["id"], "artifactType": {"name": "model"}}
    assert client.graphql(commit, a="nonsense").status == 404
