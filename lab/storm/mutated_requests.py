"""Deterministic damage of what the SDK sends: the same number always gives the same request."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from harness.loopback.graphql_api import make_schema
from lab.storm.mutated_json import RAW, TEXTS, awkward, damaged, damaged_bytes, written
from lab.storm.recorded_requests import Recorded, recorded

TOKEN = re.compile(r'"""(?:.|\n)*?"""|"(?:\\.|[^"\\\n])*"|\.\.\.|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|[{}()\[\]:!$=@|&]')
SHARED = {"x-wandb-use-async-filestream": "true"}
LONGEST_DOCUMENT = 250_000


@dataclass(frozen=True)
class Damaged:
    """One request as its bytes go to the server; a GraphQL request, or one of the file stream."""

    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@cache
def graphql_seeds() -> tuple[tuple[Recorded, ...], ...]:
    """What the SDK asked, a group for each document, so that none is damaged more often than others."""
    groups: dict[str, list[Recorded]] = {}
    for request in recorded():
        if request.path == "/graphql":
            groups.setdefault(request.body["query"], []).append(request)
    return tuple(map(tuple, groups.values()))


@cache
def stream_seeds() -> tuple[Recorded, ...]:
    """The requests by which runs sent what they logged."""
    return tuple(request for request in recorded() if request.path.endswith("/file_stream"))


def damaged_graphql(number: int) -> Damaged:
    """GraphQL request `number`: its document, its variables or all of its bytes are damaged."""
    chance = random.Random(f"graphql {number}")
    seed = chance.choice(chance.choice(graphql_seeds())).body
    kind = chance.random()
    if kind < 0.35:
        body = damaged({**seed, "operationName": chance.choice([None, "Viewer", 3])} if kind < 0.05 else seed, chance)
    elif kind < 0.55:
        variables = json.loads(damaged_variables(seed, chance))
        body = written({**seed, "variables": variables}, chance)
    elif kind < 0.9:
        body = written({**seed, "query": damaged_document(seed["query"], chance)}, chance)
    elif kind < 0.97:
        body = written({"query": _bomb(chance), "variables": seed.get("variables")}, chance)
    else:
        body = damaged_bytes(written(seed, chance), chance)
    return _packed("/graphql", body, {}, chance)


def damaged_variables(seed: dict[str, Any], chance: random.Random) -> str:
    """Variables of which one or two are awkward, and which can still be read."""
    variables = dict(seed.get("variables") or {"a": 1})
    for name in chance.choices(list(variables), k=chance.randint(1, 2)):
        inner = variables[name]
        if isinstance(inner, dict) and inner and chance.random() < 0.7:
            variables[name] = {**inner, chance.choice(list(inner)): awkward(chance)}
        else:
            variables[name] = awkward(chance)
    return json.dumps(variables)


def damaged_stream(number: int) -> Damaged:
    """Request `number` of the file stream: its tree, a line of it, an offset, its end or its bytes are damaged."""
    chance = random.Random(f"stream {number}")
    seed = chance.choice(stream_seeds())
    path, body = seed.path, seed.body
    if chance.random() < 0.1:
        parts = path.split("/")
        parts[chance.randint(2, 4)] = chance.choice(
            ["nobody", "", "..", "%00", "%ff", "a%2Fb", "someone-else", "%ED%A0%80"]
        )
        path = "/".join(parts)
    if chance.random() < 0.5:
        body = json.loads(json.dumps(body))
        for _ in range(chance.choice([1, 1, 2, 3])):
            chance.choice(_STREAM)(body, chance)
        data = written(body, chance)
    else:
        data = damaged(body, chance)
    headers = {}
    if chance.random() < 0.15:
        headers = {**SHARED, "x-wandb-async-client-id": chance.choice(["one", "two", "", "x" * 300])}
    return _packed(path, data, headers, chance)


def _packed(path: str, body: bytes, headers: dict[str, str], chance: random.Random) -> Damaged:
    kind = chance.random()
    if kind < 0.06:
        packed = gzip.compress(body, 1, mtime=0)
        body = packed if kind < 0.03 else damaged_bytes(packed, chance)
        headers = {**headers, "Content-Encoding": "gzip"}
    elif kind < 0.07:
        headers = {**headers, "Content-Encoding": "gzip"}
    return Damaged(path, body, headers)


# --- file stream ---


def _chunk(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    files = body.setdefault("files", {})
    if not isinstance(files, dict):
        return {}
    if not files or chance.random() < 0.3:
        names = ("wandb-history.jsonl", "wandb-events.jsonl", "wandb-summary.json", "output.log", "odd", "")
        files[chance.choice(names)] = {"offset": 0, "content": ['{"_step":0,"loss":1}']}
    found = chance.choice(list(files.values()))
    return found if isinstance(found, dict) else {}


def _offset(body: dict[str, Any], chance: random.Random) -> None:
    offsets = [
        -1,
        0,
        1,
        5,
        100,
        9_999,
        99_000,
        100_000,
        999_999,
        1_000_000,
        2_000_000,
        2**31,
        2**63,
        "7",
        1.9,
        None,
        RAW,
    ]
    _chunk(body, chance)["offset"] = chance.choice(offsets)


def _line(body: dict[str, Any], chance: random.Random) -> None:
    lines = _chunk(body, chance).setdefault("content", [])
    if not isinstance(lines, list):
        return
    row = {"_step": chance.choice([0, 1, -1, 2**53, 2**53 + 1, 1.5, "1", None, RAW, 10**400]), "loss": RAW}
    row |= {chance.choice(TEXTS): awkward(chance) for _ in range(chance.randint(0, 3))}
    odd = written(row, chance).decode("utf-8", "surrogatepass")
    lines.insert(chance.randint(0, len(lines)), chance.choice([odd, odd, chance.choice(TEXTS), awkward(chance)]))


def _many(body: dict[str, Any], chance: random.Random) -> None:
    count = chance.choice([10, 500, 3000])
    line = chance.choice(['{"_step":%d,"loss":1}', '{"k%d":1}', "", '{"_step":-%d}', '{"a":{"b%d":[]}}', "%d"])
    _chunk(body, chance)["content"] = [line % number if "%" in line else line for number in range(count)]


def _end(body: dict[str, Any], chance: random.Random) -> None:
    body["complete"] = chance.choice([True, False, 1, "yes", None, []])
    body["exitcode"] = chance.choice([0, 1, -9, 255, 2**31, 2**70, -(2**40), 1.5, "3", "x", True, [], RAW])


def _uploaded(body: dict[str, Any], chance: random.Random) -> None:
    body["uploaded"] = chance.choice([["a.txt"] * 300, "a", None, [None], [["x"]], awkward(chance)])
    body["dropped"], body["preempting"] = awkward(chance), awkward(chance)


def _shape(body: dict[str, Any], chance: random.Random) -> None:
    body["files"] = chance.choice([None, [], "x", 3, [body.get("files")], {"output.log": "x"}, {"output.log": [[]]}])


_STREAM: list[Callable[[dict[str, Any], random.Random], None]] = [
    _offset, _offset, _line, _line, _line, _many, _end, _uploaded, _shape,
]  # fmt: skip


# --- documents ---


@cache
def names() -> tuple[str, ...]:
    """What may stand in a document as a name: fields, types and arguments of our schema, and others."""
    types = make_schema().type_map
    fields = {name for kind in types.values() for name in getattr(kind, "fields", ())}
    return (
        *sorted(types),
        *sorted(fields),
        "__typename",
        "__schema",
        "__type",
        "on",
        "true",
        "null",
        "nothing",
        "query",
    )


def damaged_document(text: str, chance: random.Random) -> str:
    """A document with one to four of its tokens or blocks removed, doubled, renamed or put elsewhere."""
    tokens = TOKEN.findall(text)
    for _ in range(chance.randint(1, 4)):
        if tokens and len(tokens) < 20_000:
            tokens = chance.choice(_TOKENS)(tokens, chance)
    return " ".join(tokens)[:LONGEST_DOCUMENT]


def _block(tokens: list[str], chance: random.Random) -> tuple[int, int]:
    """Begin and end of something in braces, with the field before it."""
    starts = [place for place, token in enumerate(tokens) if token == "{"]
    if not starts:
        return 0, 0
    start = chance.choice(starts)
    depth, end = 0, start
    for end in range(start, len(tokens)):
        depth += (tokens[end] == "{") - (tokens[end] == "}")
        if depth == 0:
            break
    return max(0, start - 1), end + 1


def _without_token(tokens: list[str], chance: random.Random) -> list[str]:
    place = chance.randrange(len(tokens))
    return tokens[:place] + tokens[place + 1 :]


def _double_token(tokens: list[str], chance: random.Random) -> list[str]:
    place = chance.randrange(len(tokens))
    return tokens[:place] + [tokens[place]] * chance.choice([2, 2, 3, 300]) + tokens[place + 1 :]


def _other_token(tokens: list[str], chance: random.Random) -> list[str]:
    place = chance.randrange(len(tokens))
    literal = json.dumps(chance.choice(TEXTS))
    pool = (chance.choice(names()), chance.choice(names()), literal, chance.choice("{}()[]:!$=@|&"), "9" * 400, "...")
    return [*tokens[:place], chance.choice(pool), *tokens[place + 1 :]]


def _other_name(tokens: list[str], chance: random.Random) -> list[str]:
    places = [place for place, token in enumerate(tokens) if token[:1].isalpha()]
    if not places:
        return tokens
    place = chance.choice(places)
    return [*tokens[:place], chance.choice(names()), *tokens[place + 1 :]]


def _without_block(tokens: list[str], chance: random.Random) -> list[str]:
    start, end = _block(tokens, chance)
    return tokens[:start] + tokens[end:]


def _double_block(tokens: list[str], chance: random.Random) -> list[str]:
    start, end = _block(tokens, chance)
    times = chance.choice([1, 2, 10, 60])
    aliased = chance.random() < 0.6
    copies: list[str] = []
    for number in range(times):
        copies += [f"a{number}", ":"] * aliased + tokens[start:end]
    return tokens[:end] + copies + tokens[end:]


def _deeper(tokens: list[str], chance: random.Random) -> list[str]:
    """A block inside itself, again and again."""
    start, end = _block(tokens, chance)
    inner = tokens[start:end]
    for _ in range(chance.choice([1, 3, 12])):
        if len(inner) > 3000:
            break
        inner = inner[:-1] + inner + ["}"] if inner[-1:] == ["}"] else inner
    return tokens[:start] + inner + tokens[end:]


def _put(tokens: list[str], chance: random.Random) -> list[str]:
    """Something put behind a brace: a fragment, a directive, an alias, an introspection."""
    places = [place for place, token in enumerate(tokens) if token == "{"] or [0]
    place = chance.choice(places) + 1
    put = chance.choice(
        [
            "... F", "... on Run { id }", "... on Query { __typename }", "... { id }", "... @include(if: $x) { id }",
            "a : id", "__typename", "__schema { types { name fields { name } } }", "id @skip(if: true)", "id @nope",
            'project(name: "compat") { id }', "... F ... F", "name(a: 1)", "n : name n : id", "# x\n", "viewer { id }",
        ]
    )  # fmt: skip
    cycle = ["fragment F on Run { id ... F }", 'fragment F on Project { run(name: "shared") { project { ... F } } }']
    added = chance.choice([[cycle[0]], [cycle[1]], [], [], ["query B { viewer { id } }"]])
    return [*tokens[:place], put, *tokens[place:], *added]


_TOKENS: list[Callable[[list[str], random.Random], list[str]]] = [
    _without_token, _double_token, _other_token, _other_name, _other_name, _without_block, _double_block, _deeper, _put,
]  # fmt: skip


def _nested(opening: str, inner: str, depth: int) -> str:
    return opening * depth + inner + " }" * (opening.count("{") * depth)


@cache
def bombs() -> tuple[str, ...]:
    """Documents that are made to be expensive: deep, wide, doubling, repeated, circular."""
    found: list[str] = []
    up = 'project(name: "compat") { entity { '
    for size in (3, 5, 7, 14, 60, 150, 900):
        found += [
            "{ " + _nested(up, "id", size) + " }",
            "{ " + _nested('a: entity { project(name: "compat") { b: entity { id } ', "id", size) + " }",
            '{ project(name: "compat") { ' + _nested("entity { projects { edges { node { ", "id", size) + " } }",
            '{ project(name: "compat") { ' + _nested("runs { edges { node { project { ", "id", size) + " } }",
            "{ " + _nested("viewer { teams { edges { node { user { ", "id", size) + " }",
            "{ __schema { types { " + _nested("fields { type { ", "name", size) + " } } }",
            "{ __schema { types { " + _nested("ofType { ", "name", size) + " } } }",
            "{ " + " ".join(f"a{number}: viewer {{ id }}" for number in range(size)) + " }",
            "{ viewer { " + "id " * size + "} }",
            "{ " + "viewer { id } " * size + "}",
            "{ " + "viewer { id name } " * size + "viewer { id: name } }",
            "{ viewer { " + "... { id } " * size + "} }",
            "{ viewer { " + _nested("... { ", "id", size) + "} }",
            "query A(" + " ".join(f"$v{number}: Int" for number in range(size)) + ") { viewer { id } }",
            "query A($v: " + "[" * size + "Int" + "]" * size + ") { viewer { id } }",
            "query A($v: [Int] = " + "[" * size + "]" * size + ") { viewer { id } }",
            '{ project(name: "compat", nope: ' + "{a: " * size + "1" + "}" * size + ") { id } }",
            "{ viewer { id " + "@skip(if: false) " * size + "} }",
            "{ viewer { " + "x" * size + " } }",
            "\n".join(f"query Q{number} {{ viewer {{ id }} }}" for number in range(size)),
            "\n".join("query Same { viewer { id } }" for _ in range(size)),
            "{ viewer { ...F0 } } " + "".join(
                f"fragment F{n} on User {{ defaultEntity {{ user {{ ...F{n + 1} }} }} ...F{n + 1} }} "
                for n in range(size)
            ) + f"fragment F{size} on User {{ id }}",
            "{ viewer { ...F0 } } " + "".join(
                f"fragment F{n} on User {{ a: defaultEntity {{ user {{ ...F{n + 1} }} }} b: defaultEntity {{ user "
                f"{{ ...F{n + 1} }} }} }} " for n in range(size)
            ) + f"fragment F{size} on User {{ id }}",
            "{ viewer { ...F0 } } " + "".join(
                f"fragment F{n} on User {{ ...F{(n + 1) % size} }} " for n in range(size)
            ),
            "mutation { " + " ".join(
                f'm{n}: upsertBucket(input: {{name: "many{n}", modelName: "compat"}}) {{ inserted }}'
                for n in range(size)
            ) + " }",
            '{ project(name: "compat") { run(name: "shared") { ' + " ".join(
                f'h{n}: history(samples: 100000) s{n}: sampledHistory(specs: ["{{}}"])' for n in range(size)
            ) + " } } }",
        ]  # fmt: skip
    return tuple(text[:LONGEST_DOCUMENT] for text in found)


def _bomb(chance: random.Random) -> str:
    text = chance.choice(bombs())
    return text if chance.random() < 0.8 else damaged_document(text[:30_000], chance)
