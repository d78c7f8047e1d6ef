"""Which path does what: GraphQL, the file stream, files, artifacts, health, and a page for people."""

from __future__ import annotations

import mimetypes
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from harness.loopback.accounts import Accounts, User
from harness.loopback.artifacts.store import Artifacts
from harness.loopback.blobs import Blob, Blobs
from harness.loopback.context import Links, RequestContext
from harness.loopback.errors import ApiError, bad_request, not_logged_in, permission_denied, run_not_found
from harness.loopback.filestream import StreamUpdate
from harness.loopback.graphql_api import Answer, GraphQLApi, refusal
from harness.loopback.messages import Request, Response
from harness.loopback.runs import StoredRun
from harness.loopback.store import Store
from harness.loopback.sweeps.store import Sweeps

# What a server of today says it can do, as far as this one can; the names are those of the SDK's ServerFeature.
FEATURES = (
    "ARTIFACT_COLLECTIONS_FILTERING_SORTING",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILES",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILE_DOWNLOAD_HANDLER",
    "ARTIFACT_DIGEST_ALGORITHM",
    "ARTIFACT_MEMBERSHIP_IN_LINK_ARTIFACT_RESPONSE",
    "ARTIFACT_TAGS",
    "ARTIFACT_V2_DOWNLOAD_HANDLER_SUPPORTS_ARTIFACT_ID",
    "CLIENT_IDS",
    "EXPAND_DEFINED_METRIC_GLOBS",
    "FILESTREAM_GZIP",
    "LARGE_FILENAMES",
    "MARK_RUN_FILES_UPLOADED",
    "PROJECT_ARTIFACT_COLLECTION_MEMBERSHIP",
    "STRUCTURED_CONSOLE_LOGS",
    "SWEEPS_QUERY_FILTERING",
    "TOTAL_COUNT_IN_FILE_CONNECTION",
    "UPDATE_RUN_STATE",
    "USE_ARTIFACT_WITH_ENTITY_AND_PROJECT_INFORMATION",
)
MOST_TOLD = 1000
HEARTBEAT_LIMITS: dict[str, int] = {}
# What a browser asks of the store of files before it lets a page read from it; `wandb verify` asks the same.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, PUT, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
}
ABOUT = (
    "<!doctype html><title>Loopback W&amp;B</title><p>This is the loopback W&amp;B backend of lumi-wandb-harness, "
    "not Weights &amp; Biases. It has no pages and no log-in: its API key was printed where it was started."
)


@dataclass
class Application:
    """The W&B API behind the HTTP server: a request goes in, a response comes out."""

    accounts: Accounts
    store: Store
    artifact_blobs: Blobs
    artifacts: Artifacts = field(repr=False)
    sweeps: Sweeps = field(repr=False)
    features: tuple[str, ...] = FEATURES
    on_unknown: Callable[[str], None] = field(default=lambda _: None, repr=False)
    graphql: GraphQLApi = field(default_factory=GraphQLApi, repr=False)
    links: Links = field(default_factory=Links, repr=False)
    unknown_operations: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_TOLD))
    refused_operations: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_TOLD))
    crashes: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_TOLD), repr=False)

    @classmethod
    def over(
        cls,
        accounts: Accounts,
        store: Store,
        blobs: Blobs,
        features: tuple[str, ...] = FEATURES,
        on_unknown: Callable[[str], None] = lambda _: None,
    ) -> Application:
        """An application over a store of runs, with artifacts and sweeps that live as long as it does."""
        artifacts, sweeps = Artifacts(blobs, store.clock), Sweeps(store)
        return cls(accounts, store, blobs, artifacts, sweeps, features, on_unknown)

    def operation(self, request: Request) -> tuple[str | None, str | None]:
        """Name and first field of the GraphQL operation of a request; None for other requests."""
        if not request.path.endswith("/graphql"):
            return None, None
        try:
            body = request.json
            document = self.graphql.document(body["query"], body.get("operationName"))
        except (ApiError, AttributeError, KeyError, TypeError):
            return None, None
        return document.operation, document.field

    def receive(self, path: str, pieces: Iterable[bytes]) -> Blob:
        """Takes in the body of an upload, on disk.

        Raises:
            ApiError: the folder is full or gone (500).
        """
        blobs = self.artifact_blobs if path.startswith("/artifacts/") else self.store.blobs
        try:
            return blobs.receive(pieces)
        except (ConnectionError, TimeoutError):  # the client left: no trouble of the folder
            raise
        except OSError as error:
            self.on_unknown(f"cannot keep the store: {error}")
            raise ApiError("cannot keep the store", 500) from error

    def respond(self, request: Request) -> Response:
        """The response to a request; refusals are responses too."""
        try:
            return self._route(request)
        except ApiError as error:
            return Response.of_json(error.status, {"error": error.message})
        except OSError as error:  # the folder of the store is full or gone
            self.on_unknown(f"cannot keep the store: {error}")
            return Response.of_json(500, {"error": "cannot keep the store"})

    def _route(self, request: Request) -> Response:
        parts = [urllib.parse.unquote(part) for part in request.path.strip("/").split("/")]
        if request.method == "OPTIONS":
            return Response(204, headers=CORS)
        if parts == ["graphql"]:
            return self._graphql(request)
        if parts[0] == "files" and len(parts) > 4:
            if parts[4:] == ["file_stream"] and request.method == "POST":
                return self._file_stream(request, *parts[1:4])
            return self._file(request, parts[1], parts[2], parts[3], "/".join(parts[4:]))
        if parts[0] in ("artifacts", "artifactsV2") and len(parts) > 2:
            return self._artifact_file(request, parts)
        if parts in (["healthz"], ["ready"]):
            return Response.of_text(200, "ok\n")
        if parts in ([""], ["authorize"], ["login"]) and request.method in ("GET", "HEAD"):
            return Response(200, ABOUT.encode(), "text/html; charset=utf-8")
        return Response.of_json(404, {"error": f"no such path: {request.path[:200]}"})

    # --- GraphQL ---

    def _graphql(self, request: Request) -> Response:
        if request.method != "POST":
            return Response.of_json(405, {"error": "POST only"}, {"Allow": "POST"})
        body = request.json
        if not isinstance(body, dict):
            raise ApiError("the request is no object", 400)
        try:
            answer = self.graphql.answer(body, lambda: self._context(request))
        except ApiError as error:
            answer = refusal(error, self.operation(request)[1])
        self._note(answer)
        return Response.of_json(answer.status, answer.body)

    def _note(self, answer: Answer) -> None:
        if answer.refused:
            self.refused_operations.append(answer.refused)
        if answer.unknown:
            self.unknown_operations.append(answer.unknown)
            self.on_unknown(f"unknown operation {answer.unknown}")
        if answer.crash:
            self.crashes.append(answer.crash)
            self.on_unknown(answer.crash)

    def _user(self, request: Request) -> User | None:
        """The asking user, None where no key was sent.

        Raises:
            ApiError: the key is not one of ours (401).
        """
        header = request.headers.get("authorization")
        if not header:
            return None
        user = self.accounts.user_of(header)
        if user is None:
            raise not_logged_in()
        return user

    def _context(self, request: Request) -> RequestContext:
        user = self._user(request)
        stores = (self.store, self.accounts, self.artifacts, self.sweeps)
        return RequestContext(*stores, self.links, request.base_url, user, self.features)

    # --- file stream and files ---

    def _run(self, request: Request, entity: str, project: str, name: str, *, write: bool) -> StoredRun:
        context = self._context(request)
        allowed = context.writable(entity, "fileStream") if write else context.readable(entity)
        run = self.store.run(allowed, project, name) if allowed else None
        if run is None:
            raise run_not_found(f"{entity}/{project}/{name}")
        return run

    def _file_stream(self, request: Request, entity: str, project: str, name: str) -> Response:
        run = self._run(request, entity, project, name, write=True)
        shared = request.headers.get("x-wandb-use-async-filestream") == "true"
        writer = request.headers.get("x-wandb-async-client-id", "unnamed") if shared else None
        update = StreamUpdate.parse(request.json, writer)
        self.store.stream(run, update)
        exit_code = run.exit_code if update.complete else None
        return Response.of_json(200, {"exitcode": exit_code, "limits": HEARTBEAT_LIMITS, "stopped": run.stop_requested})

    def _artifact_file(self, request: Request, parts: list[str]) -> Response:
        """Receives a file of an artifact by a signed link, or gives one: by a signed link, or by its MD5 with a key."""
        signature = request.query.get("signature")
        if signature is None:
            return self._by_md5(request, parts)
        if not self.links.valid(request.path, signature):
            raise permission_denied()
        if parts[1] == "upload" and request.method == "PUT" and parts[2].isdigit() and request.upload:
            self.artifacts.uploads.arrived(int(parts[2]), request.upload)
            return Response(200, headers={"ETag": f'"{request.upload.md5}"'})
        content = self.artifact_blobs.find(parts[2]) if parts[1] == "content" else None
        return self._content(request, content, parts[-1])

    def _by_md5(self, request: Request, parts: list[str]) -> Response:
        entity = parts[1] if parts[0] == "artifacts" else parts[2]
        if self._context(request).readable(entity) is None:
            raise ApiError("artifact not found", 404)
        candidates: Iterator[Blob | None] = (self.artifacts.uploads.by_hex(part) for part in parts[2:])
        return self._content(request, next((found for found in candidates if found), None), parts[-1])

    @staticmethod
    def _content(request: Request, content: Blob | None, name: str) -> Response:
        if content is None or request.method not in ("GET", "HEAD"):
            return Response.of_json(404 if content is None else 405, {"error": f"no file {name[:200]!r}"})
        mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response.of_blob(content, mimetype, request.headers.get("range"))

    def _file(self, request: Request, entity: str, project: str, name: str, file_name: str) -> Response:
        signature = request.query.get("signature")
        if signature is None:
            run = self._run(request, entity, project, name, write=request.method != "GET")
        elif self.links.valid(request.path, signature):
            found = self.store.run(entity, project, name)
            if found is None:
                raise run_not_found(f"{entity}/{project}/{name}")
            run = found
        else:
            raise permission_denied()
        if request.method == "PUT":
            if request.upload is None:
                raise bad_request("no content")
            self.store.put_file(run, file_name, request.upload)
            return Response(200, headers={"ETag": f'"{request.upload.md5}"'})
        file = run.stored_files.get(file_name)
        return self._content(request, file.blob if file else None, file_name)
