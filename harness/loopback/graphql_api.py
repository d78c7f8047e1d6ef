"""GraphQL requests: parsed and validated by graphql-core against our schema; what it does not know fails loudly."""

from __future__ import annotations

import functools
import importlib.resources
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    GraphQLUnionType,
    MiddlewareManager,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    parse,
    type_from_ast,
    validate,
)

from harness.loopback.context import RequestContext, Resolver
from harness.loopback.errors import ApiError
from harness.loopback.limits import Budget, too_deep, too_large
from harness.loopback.refusals import refusal_words, refused_subject
from harness.loopback.resolvers import (
    accounts,
    artifact_changes,
    artifacts,
    collections,
    mutations,
    projects,
    runs,
    sweeps,
)
from harness.loopback.scalars import SCALARS

CACHED_DOCUMENTS = 256
LONGEST_CACHED = 20_000
LONGEST_REASON = 500


@dataclass(frozen=True)
class Document:
    """A request document, read once.

    `problems` are the reasons why it cannot be executed; `refused` names what it asks for that this server has not.
    """

    ast: DocumentNode | None
    operation: str | None
    field: str | None
    problems: tuple[str, ...] = ()
    refused: str | None = None


@dataclass(frozen=True)
class Answer:
    """What goes back: HTTP status and JSON body.

    `refused` names the operation and what this server has not, `unknown` and `crash` tell of a question that we
    cannot answer.
    """

    status: int
    body: dict[str, Any]
    refused: str | None = None
    unknown: str | None = None
    crash: str | None = field(default=None, repr=False)


@functools.cache
def make_schema() -> GraphQLSchema:
    """The schema of `schema/*.graphql`, with every resolver in its place; made once, since nothing changes it.

    Raises:
        KeyError: a resolver belongs to no field of the schema.
    """
    folder = importlib.resources.files("harness.loopback").joinpath("schema")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".graphql")), key=lambda file: file.name)
    schema = build_schema("\n".join(file.read_text(encoding="utf-8") for file in files))
    modules = (accounts, artifact_changes, artifacts, collections, mutations, projects, runs, sweeps)
    tables: list[Mapping[str, Resolver]] = [module.RESOLVERS for module in modules]
    for table in tables:
        for place, resolver in table.items():
            type_name, _, field_name = place.partition(".")
            owner = schema.type_map[type_name]
            if not isinstance(owner, GraphQLObjectType):
                raise KeyError(place)
            owner.fields[field_name].resolve = resolver
    for type_name, parse_value in SCALARS.items():
        scalar = schema.type_map[type_name]
        if not isinstance(scalar, GraphQLScalarType):
            raise KeyError(type_name)
        # One for graphql-core up to 3.2, the other for what came later.
        for name in ("parse_value", "coerce_input_value"):
            setattr(scalar, name, parse_value)
    for type_name, kind in artifacts.TYPES.items():
        abstract = schema.type_map[type_name]
        if not isinstance(abstract, (GraphQLInterfaceType, GraphQLUnionType)):
            raise KeyError(type_name)
        abstract.resolve_type = kind
    return schema


class GraphQLApi:
    """Answers GraphQL requests; documents are parsed and validated once, since the SDK sends few and repeats them."""

    def __init__(self) -> None:
        self._schema = make_schema()
        self._documents: OrderedDict[tuple[str, str | None], Document] = OrderedDict()
        self._lock = threading.Lock()

    def document(self, query: str, wanted: str | None = None) -> Document:
        """The document of a query, with the operation that is wanted of it; from the cache if it was seen before."""
        asked = (query, wanted)
        with self._lock:
            if asked in self._documents:
                self._documents.move_to_end(asked)
                return self._documents[asked]
        found = self._read(query, wanted)
        if len(query) > LONGEST_CACHED:
            return found
        with self._lock:
            self._documents[asked] = found
            while len(self._documents) > CACHED_DOCUMENTS:
                self._documents.popitem(last=False)
        return found

    def _read(self, query: str, wanted: str | None) -> Document:
        try:
            if reason := too_large(query):
                return Document(None, wanted, None, (reason,))
            ast = parse(query)
            problems = tuple(error.message[:LONGEST_REASON] for error in validate(self._schema, ast, max_errors=5))
        except GraphQLError as error:
            return Document(None, wanted, None, (error.message[:LONGEST_REASON],))
        if not problems and (reason := too_deep(ast)):
            problems = (reason,)
        operations = [node for node in ast.definitions if isinstance(node, OperationDefinitionNode)]
        chosen = next(
            (o for o in operations if o.name and o.name.value == wanted), operations[0] if operations else None
        )
        name = chosen.name.value if chosen and chosen.name else None
        fields = [n.name.value for n in chosen.selection_set.selections if isinstance(n, FieldNode)] if chosen else []
        refused = refused_subject(self._schema, ast) if problems else None
        return Document(ast, name, fields[0] if fields else None, problems, refused)

    def answer(self, request: Mapping[str, Any], make_context: Callable[[], RequestContext]) -> Answer:
        """Executes one request.

        Raises:
            ApiError: what `make_context` raises, such as for a refused key.
        """
        query, variables = request.get("query"), request.get("variables")
        wanted = request.get("operationName")
        if not isinstance(query, str) or not isinstance(variables, (Mapping, type(None))):
            return refusal(ApiError("the request holds no query that can be read", 400), None)
        document = self.document(query, wanted if isinstance(wanted, str) else None)
        context = make_context()
        if document.refused is not None:
            return refused_operation(document, document.refused)
        if document.ast is None or document.problems:
            return unknown_operation(document)
        result = execute_sync(
            self._schema,
            document.ast,
            context_value=context,
            variable_values=self._known_variables(document.ast, variables or {}),
            operation_name=document.operation,
            middleware=MiddlewareManager(Budget()),
        )
        # Variables that do not fit our inputs: such an error has no path, since nothing was executed.
        foreign = [error for error in result.errors or () if error.path is None]
        if foreign:
            return unknown_operation(replace(document, problems=tuple(error.message for error in foreign)))
        return _from_result(result)

    def _known_variables(self, ast: DocumentNode, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The variables without null fields that our inputs lack: by those a newer SDK says nothing."""
        found = dict(variables)
        for operation in ast.definitions:
            for definition in getattr(operation, "variable_definitions", ()) or ():
                name, kind = definition.variable.name.value, type_from_ast(self._schema, definition.type)
                if name in found:
                    found[name] = _without_unknown_nulls(found[name], kind)
        return found


def _without_unknown_nulls(value: Any, kind: GraphQLType | None) -> Any:
    while isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if isinstance(kind, GraphQLList) and isinstance(value, list):
        return [_without_unknown_nulls(item, kind.of_type) for item in value]
    if isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key in kind.fields or item is not None}
        fields = kind.fields
        return {k: _without_unknown_nulls(v, fields[k].type) if k in fields else v for k, v in kept.items()}
    return value


def unknown_operation(document: Document) -> Answer:
    """The loud failure: HTTP 200, as GraphQL has it, and errors that name the operation and what is not known."""
    name = document.operation or "(without a name)"
    reasons = "; ".join(document.problems)
    message = f"the loopback W&B backend does not support the operation {name}: {reasons}"
    return Answer(200, {"data": None, "errors": [{"message": message}]}, unknown=f"{name}: {reasons}")


def refused_operation(document: Document, subject: str) -> Answer:
    """The answer to a question about what this server has not: HTTP 200, and one sentence that says what."""
    described = {"message": refusal_words(subject), "path": [document.field] if document.field else []}
    body = {"data": None, "errors": [described]}
    return Answer(200, body, refused=f"{document.operation or '(without a name)'}: {subject}")


def refusal(error: ApiError, field_name: str | None) -> Answer:
    """The answer to a request that is refused before anything is executed."""
    path = [field_name] if field_name else []
    described = {"message": error.message, "path": path, "extensions": error.extensions}
    return Answer(error.status, {"errors": [described], "data": {field_name: None} if field_name else None})


def _from_result(result: ExecutionResult) -> Answer:
    """The answer to an executed request: the first refusal among the errors gives the HTTP status."""
    if not result.errors:
        return Answer(200, {"data": result.data})
    originals = [error.original_error for error in result.errors]
    refusals = [error for error in originals if isinstance(error, ApiError)]
    crashes = [error for error in originals if error is not None and not isinstance(error, ApiError)]
    status = refusals[0].status if refusals else (500 if crashes else 400)
    body = {"errors": [_described(error) for error in result.errors], "data": result.data}
    crash = "".join(traceback.format_exception(crashes[0])) if crashes else None
    return Answer(status, body, crash=crash)


def _described(error: GraphQLError) -> dict[str, Any]:
    """An error as the cloud words it: message, path, and the code if there is one."""
    extensions = dict(error.extensions or {})
    return {
        "message": error.message,
        "path": list(error.path or []),
        **({"extensions": extensions} if extensions else {}),
    }
