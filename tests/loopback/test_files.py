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


def test_a_range_of_a_file(client: Client) -> None:
    client.upsert()
    upload(client, "a.bin", b"0123456789")
    path = "/files/loopback/p/run1/a.bin"
    part = client.request("GET", path, headers={"Range": "bytes=2-4"})
    assert (part.status, part.body, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert client.request("GET", path, headers={"Range": "bytes=7-"}).body == b"789"
    assert client.request("GET", path, headers={"Range": "bytes=7-99"}).body == b"789"
    assert client.request("GET", path, headers={"Range": "bytes=10-"}).status == 416
    assert client.request("GET", path, headers={"Range": "nonsense"}).body == b"0123456789"


def test_a_file_asked_for_by_name_is_named_though_it_is_not_there(client: Client) -> None:
    """`wandb.restore` reads its MD5 (wandb/sdk/wandb_run.py); an older SDK sends it to the link (`RunUploadUrls`)."""
    client.upsert()
    upload(client, "a.txt")
    query = """query RunUploadUrls($n: [String]!) { model(name: "p", entityName: "loopback") { bucket(name: "run1") {
        files(names: $n) { edges { node { name md5 sizeBytes updatedAt url(upload: true) } } } } } }"""
    edges = client.data(query, n=["b.txt", "a.txt"])["model"]["bucket"]["files"]["edges"]
    absent, present = (edge["node"] for edge in edges)
    assert (absent["name"], absent["md5"], absent["sizeBytes"], absent["updatedAt"]) == ("b.txt", "0", 0, None)
    assert (present["name"], present["sizeBytes"]) == ("a.txt", 7)
    assert client.request("GET", path_of(absent["url"])).status == 404
    assert Client(client.server, key="").request("PUT", path_of(absent["url"]), b"later").status == 200
    assert client.server.store.runs()[0].files["b.txt"] == b"later"


def test_a_name_that_was_saved_with_a_dot_is_found(client: Client) -> None:
    client.upsert()
    upload(client, "a.txt")
    assert client.data(FILES, n=["./a.txt"])["project"]["run"]["files"]["edges"][0]["node"]["name"] == "a.txt"


def test_a_file_to_send_has_the_id_that_it_will_have(client: Client) -> None:
    client.upsert()
    create = """mutation CreateRunFiles($files: [String!]!) { createRunFiles(input: {entityName: "loopback",
        projectName: "p", runName: "run1", files: $files}) { files { id name } } }"""
    [made] = client.data(create, files=["a.txt"])["createRunFiles"]["files"]
    client.request("PUT", "/files/loopback/p/run1/a.txt", b"a")
    query = '{ project(name: "p") { run(name: "run1") { files { edges { node { id name } } } } } }'
    assert client.data(query)["project"]["run"]["files"]["edges"] == [{"node": made}]
