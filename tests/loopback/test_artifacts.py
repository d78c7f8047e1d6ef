"""Artifacts over HTTP: made, filled, numbered, aliased, linked, deleted, and read back."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.loopback.conftest import Client
from tests.loopback.test_files import path_of

CREATE = """mutation CreateArtifact($input: CreateArtifactInput!) { createArtifact(input: $input) {
    artifact { id state artifactSequence { id latestArtifact { id versionIndex } } } } }"""
MANIFEST = """mutation M($input: CreateArtifactManifestInput!) { createArtifactManifest(input: $input) {
    artifactManifest { id file { uploadUrl } } } }"""
FILES = """mutation F($f: [CreateArtifactFileSpecInput!]!) { createArtifactFiles(input: {artifactFiles: $f}) {
    files { edges { node { storagePath uploadUrl artifact { id }
        uploadMultipartUrls { uploadID uploadUrlParts { partNumber uploadUrl } } } } } } }"""
COMMIT = "mutation C($a: ID!) { commitArtifact(input: {artifactID: $a}) { artifact { id } } }"
READ = """query A($n: String!) { project(name: "p") { artifactCollectionMembership(name: $n) { versionIndex
    aliases { alias } artifact { id state size fileCount versionIndex description metadata ttlDurationSeconds
        ttlIsInherited tags { name } aliases { alias } createdBy { __typename ... on Run { name } }
        usedBy { edges { node { name } } } currentManifest { file { directUrl } }
        files { totalCount edges { node { name sizeBytes digest directUrl } } } } } } }"""


def md5_of(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


@dataclass
class Library:
    """A client that logs artifacts as `wandb-core` does."""

    client: Client

    def create(self, digest: str, name: str = "m", **fields: Any) -> Any:
        given = {
            "entityName": "loopback",
            "projectName": "p",
            "runName": "run1",
            "artifactTypeName": "model",
            "artifactCollectionName": name,
            "digest": digest,
        }
        return self.client.data(CREATE, input=given | fields)["createArtifact"]["artifact"]

    def send(self, artifact: str, contents: dict[str, bytes], kind: str = "FULL", base: str | None = None) -> None:
        specs = [{"artifactID": artifact, "name": n, "md5": md5_of(c)} for n, c in contents.items()]
        edges = self.client.data(FILES, f=specs)["createArtifactFiles"]["files"]["edges"]
        for edge, content in zip(edges, contents.values(), strict=True):
            if edge["node"]["uploadUrl"]:
                assert self.put(edge["node"]["uploadUrl"], content) == 200
        listed = {n: {"digest": md5_of(c), "size": len(c), "birthArtifactID": artifact} for n, c in contents.items()}
        text = json.dumps({"version": 1, "storagePolicy": "wandb-storage-policy-v1", "contents": listed}).encode()
        asked = {
            "artifactID": artifact,
            "name": "wandb_manifest.json",
            "digest": md5_of(text),
            "entityName": "loopback",
            "projectName": "p",
            "runName": "run1",
            "type": kind,
            "baseArtifactID": base,
        }
        made = self.client.data(MANIFEST, input=asked)["createArtifactManifest"]["artifactManifest"]
        assert self.put(made["file"]["uploadUrl"], text) == 200

    def put(self, url: str, content: bytes) -> int:
        return Client(self.client.server, key="").request("PUT", path_of(url), content).status

    def log(self, contents: dict[str, bytes], name: str = "m", **fields: Any) -> str:
        digest = fields.pop("digest", None) or hashlib.md5(repr(sorted(contents.items())).encode()).hexdigest()
        made = self.create(digest, name, **fields)
        if made["state"] == "PENDING":
            self.send(made["id"], contents)
            self.client.data(COMMIT, a=made["id"])
        return made["id"]

    def read(self, name: str) -> Any:
        return self.client.data(READ, n=name)["project"]["artifactCollectionMembership"]

    def aliases(self, name: str) -> list[str]:
        return [alias["alias"] for alias in self.read(name)["aliases"]]


@pytest.fixture
def library(client: Client) -> Library:
    client.upsert()
    return Library(client)


def test_a_version_is_read_back(library: Library) -> None:
    aliases = [{"artifactCollectionName": "m", "alias": "best"}]
    fields = {"description": "d", "metadata": '{"k": 1}', "tags": [{"tagName": "t"}], "aliases": aliases}
    identifier = library.log({"a.txt": b"A", "b/c.txt": b"CC"}, **fields)
    found = library.read("m:best")
    artifact = found["artifact"]
    assert (artifact["id"], artifact["state"], artifact["versionIndex"]) == (identifier, "COMMITTED", 0)
    assert (artifact["size"], artifact["fileCount"], artifact["files"]["totalCount"]) == (3, 2, 2)
    assert (artifact["description"], artifact["metadata"], artifact["tags"]) == ("d", '{"k": 1}', [{"name": "t"}])
    assert (artifact["ttlDurationSeconds"], artifact["ttlIsInherited"]) == (-2, True)
    assert [alias["alias"] for alias in found["aliases"]] == ["latest", "best"]
    assert artifact["createdBy"] == {"__typename": "Run", "name": "run1"}
    stranger = Client(library.client.server, key="")
    contents = [stranger.request("GET", path_of(e["node"]["directUrl"])).body for e in artifact["files"]["edges"]]
    assert contents == [b"A", b"CC"]
    manifest = stranger.request("GET", path_of(artifact["currentManifest"]["file"]["directUrl"])).json
    assert sorted(manifest["contents"]) == ["a.txt", "b/c.txt"]


def test_a_file_is_fetched_by_its_digest_with_a_key(library: Library) -> None:
    identifier = library.log({"a.txt": b"A"})
    digest = hashlib.md5(b"A").hexdigest()
    for path in (f"/artifacts/loopback/{digest}", f"/artifactsV2/default/loopback/p/m/{identifier}/x/{digest}/a.txt"):
        assert library.client.request("GET", path).body == b"A"
        assert Client(library.client.server, key="").request("GET", path).status == 401
    assert library.client.request("GET", f"/artifacts/someone-else/{digest}").status == 403
    assert library.client.request("GET", f"/artifacts/loopback/{'0' * 32}").status == 404


def test_the_same_digest_is_the_same_version(library: Library) -> None:
    first, second = library.log({"a": b"1"}), library.log({"a": b"2"})
    assert first != second
    assert library.log({"a": b"1"}, aliases=[{"artifactCollectionName": "m", "alias": "again"}]) == first
    assert (library.aliases("m:v0"), library.aliases("m:v1")) == (["again"], ["latest"])


def test_latest_is_what_was_there_before_while_a_version_is_made(library: Library) -> None:
    assert library.create("d1")["artifactSequence"]["latestArtifact"] is None
    first = library.log({"a": b"1"})
    assert library.create("d2")["artifactSequence"]["latestArtifact"] == {"id": first, "versionIndex": 0}


def test_what_is_here_already_is_not_sent_again(library: Library) -> None:
    library.log({"a": b"1"})
    other = library.create("d2", "other")["id"]
    specs = [{"artifactID": other, "name": "x", "md5": md5_of(b"1")}]
    edge = library.client.data(FILES, f=specs)["createArtifactFiles"]["files"]["edges"][0]
    assert (edge["node"]["uploadUrl"], edge["node"]["artifact"]["id"]) == (None, other)


def test_a_content_that_was_not_announced_is_refused(library: Library) -> None:
    made = library.create("d1")["id"]
    specs = [{"artifactID": made, "name": "x", "md5": md5_of(b"right")}]
    url = library.client.data(FILES, f=specs)["createArtifactFiles"]["files"]["edges"][0]["node"]["uploadUrl"]
    assert library.put(url, b"wrong") == 400
    assert library.put(url.partition("?")[0] + "?signature=0", b"right") == 403
    assert library.put(url, b"right") == 200
    assert library.client.graphql(COMMIT, a=made).json["errors"][0]["message"] == "the manifest has not arrived"


def test_a_large_file_comes_in_parts(library: Library) -> None:
    made, parts = library.create("d1")["id"], [b"one", b"two"]
    asked = [{"partNumber": n, "hexMD5": hashlib.md5(part).hexdigest()} for n, part in enumerate(parts, 1)]
    specs = [{"artifactID": made, "name": "x", "md5": md5_of(b"onetwo"), "uploadPartsInput": asked}]
    node = library.client.data(FILES, f=specs)["createArtifactFiles"]["files"]["edges"][0]["node"]
    urls = node["uploadMultipartUrls"]
    complete = """mutation C($i: CompleteMultipartUploadArtifactInput!) {
        completeMultipartUploadArtifact(input: $i) { digest } }"""
    fields = {"completeMultipartAction": "Complete", "completedParts": asked, "artifactID": made,
              "storagePath": node["storagePath"], "uploadID": urls["uploadID"]}  # fmt: skip
    assert library.put(urls["uploadUrlParts"][0]["uploadUrl"], b"two") == 400
    assert library.put(urls["uploadUrlParts"][0]["uploadUrl"], b"one") == 200
    assert "part 2" in library.client.graphql(complete, i=fields).json["errors"][0]["message"]
    assert library.put(urls["uploadUrlParts"][1]["uploadUrl"], b"two") == 200
    for _ in range(2):  # a client that lost the answer asks again
        done = library.client.data(complete, i=fields)["completeMultipartUploadArtifact"]
        assert done == {"digest": md5_of(b"onetwo")}
    path = f"/artifacts/loopback/{hashlib.md5(b'onetwo').hexdigest()}"
    assert library.client.request("GET", path, headers={"Range": "bytes=2-3"}).body == b"et"


def test_an_incremental_version_adds_to_its_base(library: Library) -> None:
    base = library.log({"a": b"1", "b": b"1"})
    made = library.create("d2")["id"]
    library.send(made, {"b": b"2", "c": b"3"}, "INCREMENTAL", base)
    library.client.data(COMMIT, a=made)
    edges = library.read("m:v1")["artifact"]["files"]["edges"]
    assert [(e["node"]["name"], e["node"]["digest"]) for e in edges] == [
        ("a", md5_of(b"1")),
        ("b", md5_of(b"2")),
        ("c", md5_of(b"3")),
    ]


def test_several_writers_fill_one_distributed_version(library: Library) -> None:
    first = library.create("d1", distributedID="g")["id"]
    assert library.create("d2", distributedID="g")["id"] == first
    library.send(first, {"a": b"1"}, "PATCH")
    library.send(first, {"b": b"2"}, "PATCH")
    library.client.data(COMMIT, a=first)
    assert library.read("m:latest")["artifact"]["fileCount"] == 2


def test_change_description_tags_and_time_to_live(library: Library) -> None:
    made = library.log({"a": b"1"}, tags=[{"tagName": "old"}])
    update = "mutation U($i: UpdateArtifactInput!) { updateArtifact(input: $i) { artifact { id } } }"
    fields = {"description": "new", "tagsToAdd": [{"tagName": "t"}], "tagsToDelete": [{"tagName": "old"}]}
    library.client.data(update, i={"artifactID": made, **fields, "ttlDurationSeconds": 60})
    found = library.read("m:v0")["artifact"]
    assert (found["description"], found["tags"]) == ("new", [{"name": "t"}])
    assert (found["ttlDurationSeconds"], found["ttlIsInherited"]) == (60, False)
    library.client.data(update, i={"artifactID": made, "ttlDurationSeconds": -1})
    assert library.read("m:v0")["artifact"]["ttlIsInherited"]


def test_an_alias_that_looks_like_a_version_is_ignored(library: Library) -> None:
    """As docs.wandb.ai/models/artifacts/create-a-custom-alias has it under "Alias limits"."""
    library.log({"a": b"1"}, aliases=[{"artifactCollectionName": "m", "alias": "v1"}])
    library.log({"a": b"2"})
    assert (library.aliases("m:v0"), library.aliases("m:v1")) == ([], ["latest"])


def test_an_alias_stands_for_one_version(library: Library) -> None:
    first = library.log({"a": b"1"}, aliases=[{"artifactCollectionName": "m", "alias": "best"}])
    second = library.log({"a": b"2"})
    alias = {"entityName": "loopback", "projectName": "p", "artifactCollectionName": "m", "alias": "best"}
    add = "mutation A($i: AddAliasesInput!) { addAliases(input: $i) { success } }"
    library.client.data(add, i={"artifactID": second, "aliases": [alias]})
    assert (library.aliases("m:v0"), library.aliases("m:v1")) == ([], ["latest", "best"])
    drop = "mutation D($i: DeleteAliasesInput!) { deleteAliases(input: $i) { success } }"
    library.client.data(drop, i={"artifactID": second, "aliases": [alias]})
    assert library.read("m:best") is None
    elsewhere = library.client.graphql(add, i={"artifactID": first, "aliases": [alias | {"projectName": "q"}]})
    assert elsewhere.status == 404


def test_delete_a_version(library: Library) -> None:
    library.log({"a": b"1"})
    second = library.log({"a": b"2"})
    delete = "mutation D($i: DeleteArtifactInput!) { deleteArtifact(input: $i) { artifact { state } } }"
    assert library.client.graphql(delete, i={"artifactID": second}).status == 409
    gone = library.client.data(delete, i={"artifactID": second, "deleteAliases": True})
    assert gone["deleteArtifact"]["artifact"]["state"] == "DELETED"
    assert library.aliases("m:latest") == ["latest"]
    assert library.read("m:latest")["versionIndex"] == 0
    library.log({"a": b"2"})
    assert library.read("m:latest")["versionIndex"] == 2


LINK = """mutation L($i: LinkArtifactInput!) { linkArtifact(input: $i) { versionIndex
    artifactMembership { artifactCollection { __typename id name } } } }"""


def test_link_and_unlink(library: Library) -> None:
    made = library.log({"a": b"1"})
    fields = {"artifactID": made, "artifactPortfolioName": "shelf", "entityName": "loopback", "projectName": "q",
              "aliases": [{"artifactCollectionName": "shelf", "alias": "prod"}]}  # fmt: skip
    linked = library.client.data(LINK, i=fields)["linkArtifact"]
    shelf = linked["artifactMembership"]["artifactCollection"]
    assert (linked["versionIndex"], shelf["__typename"], shelf["name"]) == (0, "ArtifactPortfolio", "shelf")
    assert library.client.data(LINK, i=fields)["linkArtifact"]["versionIndex"] == 0
    names = [alias["alias"] for alias in library.read("m:v0")["artifact"]["aliases"]]
    assert names == ["latest", "latest", "prod"]
    unlink = "mutation U($i: UnlinkArtifactInput!) { unlinkArtifact(input: $i) { success } }"
    place = {"artifactID": made, "artifactPortfolioID": shelf["id"]}
    assert library.client.data(unlink, i=place)["unlinkArtifact"] == {"success": True}
    assert library.client.graphql(unlink, i=place).status == 404


def test_lineage(library: Library) -> None:
    made = library.log({"a": b"1"}, clientID="client-1")
    library.client.upsert("run2")
    use = "mutation U($i: UseArtifactInput!) { useArtifact(input: $i) { artifact { id } } }"
    fields = {"artifactID": made, "entityName": "loopback", "projectName": "p"}
    library.client.data(use, i=fields | {"runName": "run2"})
    assert library.client.graphql(use, i=fields | {"runName": "no-run"}).status == 404
    assert library.read("m:v0")["artifact"]["usedBy"]["edges"] == [{"node": {"name": "run2"}}]
    query = """query R($r: String!) { project(name: "p") { run(name: $r) {
        outputArtifacts { edges { node { id } } } inputArtifacts { edges { node { id } } } } } }"""
    one = {"edges": [{"node": {"id": made}}]}
    none: dict[str, Any] = {"edges": []}
    assert library.client.data(query, r="run1")["project"]["run"] == {"outputArtifacts": one, "inputArtifacts": none}
    assert library.client.data(query, r="run2")["project"]["run"] == {"outputArtifacts": none, "inputArtifacts": one}
    mapping = 'query C { clientIDMapping(clientID: "client-1") { serverID } }'
    assert library.client.data(mapping) == {"clientIDMapping": {"serverID": made}}


def test_collections_are_filtered_renamed_tagged_and_deleted(library: Library) -> None:
    library.log({"a": b"1"}, "one")
    library.log({"a": b"1"}, "two")
    query = """query C($f: JSONString, $o: String) { project(name: "p") { artifactTypes { edges { node { name } } }
        artifactCollections(filters: $f, order: $o) { totalCount edges { node { id name tags { edges { node { name }}}
            artifacts { edges { version node { state } } } } } } } }"""

    def names(**variables: Any) -> list[str]:
        found = library.client.data(query, **variables)["project"]["artifactCollections"]
        return [edge["node"]["name"] for edge in found["edges"]]

    assert (names(), names(o="-name")) == (["one", "two"], ["two", "one"])
    assert names(f='{"name": {"$regex": "^t"}}') == ["two"]
    node = library.client.data(query)["project"]["artifactCollections"]["edges"][0]["node"]
    assert node["artifacts"]["edges"] == [{"version": "v0", "node": {"state": "COMMITTED"}}]
    tags = """mutation T($i: CreateArtifactCollectionTagAssignmentsInput!) {
        createArtifactCollectionTagAssignments(input: $i) { tags { name } } }"""
    place = {"entityName": "loopback", "projectName": "p", "artifactCollectionName": "one", "tags": [{"tagName": "t"}]}
    assert library.client.data(tags, i=place)["createArtifactCollectionTagAssignments"] == {"tags": [{"name": "t"}]}
    assert names(f='{"tags": "t"}') == ["one"]
    rename = """mutation R($i: UpdateArtifactSequenceInput!) { updateArtifactSequence(input: $i) {
        artifactCollection { name description } } }"""
    renamed = library.client.data(rename, i={"artifactSequenceID": node["id"], "name": "uno", "description": "d"})
    assert renamed["updateArtifactSequence"]["artifactCollection"] == {"name": "uno", "description": "d"}
    assert library.client.graphql(rename, i={"artifactSequenceID": node["id"], "name": "two"}).status == 409
    delete = """mutation D($i: DeleteArtifactSequenceInput!) { deleteArtifactSequence(input: $i) {
        artifactCollection { state } } }"""
    library.client.data(delete, i={"artifactSequenceID": node["id"]})
    assert names() == ["two"]
    assert library.client.graphql(delete, i={"artifactSequenceID": node["id"]}).status == 404


def test_a_name_holds_one_type(library: Library) -> None:
    library.log({"a": b"1"})
    fields = {"entityName": "loopback", "projectName": "p", "artifactTypeName": "data", "digest": "d",
              "artifactCollectionName": "m"}  # fmt: skip
    reply = library.client.graphql(CREATE, input=fields)
    assert (reply.status, "type 'model'" in reply.json["errors"][0]["message"]) == (409, True)
    region = library.client.graphql(CREATE, input=fields | {"storageRegion": "moon"})
    assert "invalid storageRegion: moon" in region.json["errors"][0]["message"]


def test_a_run_is_deleted_with_what_it_logged_and_a_second_time_nothing_happens(library: Library) -> None:
    library.log({"a": b"1"})
    run = library.client.server.store.run("loopback", "p", "run1")
    assert run is not None
    delete = "mutation D($i: DeleteRunInput!) { deleteRun(input: $i) { clientMutationId } }"
    for _ in range(2):
        assert library.client.data(delete, i={"id": run.id, "deleteArtifacts": True})
    assert library.read("m:v0") is None
    assert library.client.server.store.run("loopback", "p", "run1") is None
    nobody = base64.b64encode(b"Run:v1:nobody:p:loopback").decode()
    reply = library.client.graphql(delete, i={"id": nobody})
    assert (reply.status, reply.json["errors"][0]["message"]) == (404, "run loopback/p/nobody not found")
