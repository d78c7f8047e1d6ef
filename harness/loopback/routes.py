"""Which path does what: GraphQL, the file stream, files, health, and a page for people."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.loopback.accounts import Accounts, User
from harness.loopback.artifacts import Artifacts
from harness.loopback.context import Links, RequestContext
from harness.loopback.errors import ApiError, not_logged_in, permission_denied, run_not_found
from harness.loopback.filestream import StreamUpdate
from harness.loopback.graphql_api import Answer, GraphQLApi, refusal
from harness.loopback.messages import Request, Response
from harness.loopback.runs import StoredRun
from harness.loopback.store import Store

# What a server of today says it can do, as far as this one can; the names are those of the SDK's ServerFeature.
FEATURES = (
    "EXPAND_DEFINED_METRIC_GLOBS",
    "FILESTREAM_GZIP",
    "LARGE_FILENAMES",
    "MARK_RUN_FILES_UPLOADED",
    "STRUCTURED_CONSOLE_LOGS",
)
HEARTBEAT_LIMITS: dict[str, int] = {}
ABOUT = (
    "<!doctype html><title>Loopback W&amp;B</title><p>This is the loopback W&amp;B backend of lumi-wandb-harness, "
    "not Weights &amp; Biases. It has no pages and no log-in: its API key was printed where it was started."
)


@dataclass
class Application:
    """The W&B API behind the HTTP server: a request goes in, a response comes out."""

    accounts: Accounts
    store: Store
    features: tuple[str, ...] = FEATURES
    artifacts: Artifacts = field(default_factory=Artifacts, repr=False)
    on_unknown: Callable[[str], None] = field(default=lambda _: None, repr=False)
    graphql: GraphQLApi = field(default_factory=GraphQLApi, repr=False)
    links: Links = field(default_factory=Links, repr=False)
    unknown_operations: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list, repr=False)

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
        if parts == ["graphql"]:
            return self._graphql(request)
        if parts[0] == "files" and len(parts) > 4:
            if parts[4:] == ["file_stream"] and request.method == "POST":
                return self._file_stream(request, *parts[1:4])
            return self._file(request, parts[1], parts[2], parts[3], "/".join(parts[4:]))
        if parts[0] == "artifacts" and request.method == "PUT":
            return self._artifact_file(request)
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
        return RequestContext(
            self.store, self.accounts, self.artifacts, self.links, request.base_url, user, self.features
        )

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

    def _artifact_file(self, request: Request) -> Response:
        """Receives a file of an artifact, whose content nobody reads back."""
        if not self.links.valid(request.path, request.query.get("signature", "")):
            raise permission_denied()
        return Response(200, headers={"ETag": '"loopback"'})

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
            self.store.put_file(run, file_name, request.body)
            return Response(200)
        file = run.stored_files.get(file_name)
        if file is None or request.method not in ("GET", "HEAD"):
            status = 404 if file is None else 405
            return Response.of_json(status, {"error": f"no file {file_name[:200]!r}"})
        return Response(200, file.content, file.mimetype, {"ETag": f'"{file.md5}"'})
