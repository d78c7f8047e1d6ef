"""Every GraphQL document of an installed wandb SDK: from the sources of its Python package and from `wandb-core`.

Many are put together at run time: placeholders are filled with what the SDK may fill in, fragments are looked up by
their name in the whole package.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    Visitor,
    parse,
    visit,
)

STARTS = re.compile(r"\s*(?:#[^\n]*\n\s*)*(query|mutation|subscription|fragment)\s+\w+")
HINT = re.compile(r"\b(query|mutation|fragment)\s+\w+.*[{(]")
IN_BINARY = re.compile(rb"\n((?:query|mutation) [A-Za-z]\w* ?[({])")
LONGEST = 20_000
# What the SDK puts in place of a placeholder, by the text around it. What is left over is optional: it is dropped.
FILLED = (
    ("_PROJECT_QUERY_", "project { id name entity { id name } }"),
    ("ID_TYPE", "$artifactID: ID"),
    ("ID_VALUE", "artifactID: $artifactID"),
    ("_CREATE_ARTIFACT_ADDITIONAL_TYPE_", "$historyStep: Int64"),
    ("_CREATE_ARTIFACT_ADDITIONAL_VALUE_", "historyStep: $historyStep"),
)
# Variables and arguments of these are put together in a loop: those that every use of them has.
LOOPED = {
    "UseArtifact": ("$artifactID: ID!", r"input:\s*\{\s*\}", "input: {artifactID: $artifactID}"),
    "ArtifactByName": (
        "$projectName: String!, $entityName: String!, $name: String!",
        r"artifact\(\s*\)",
        "artifact(name: $name)",
    ),
}


@dataclass(frozen=True)
class Found:
    """One document; `where` is the file that it stands in."""

    where: str
    operation: str
    text: str


def documents(package: Path) -> list[Found]:
    """The documents of a package, each once."""
    texts = [*_python_texts(package), *_binary_texts(package)]
    fragments = {name: text for _, text in texts for name, text in _fragments(text)}
    found = {}
    for where, text in texts:
        for operation, whole in _operations(text, fragments):
            found[" ".join(whole.split())] = Found(where, operation, whole)
    return sorted(found.values(), key=lambda document: (document.operation, document.where))


def _python_texts(package: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(package.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "vendor" in path.relative_to(package).parts or not HINT.search(source):
            continue
        tree = ast.parse(source)
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            text = _text(node) if id(node) not in inner else None
            if text and STARTS.match(text) and "{" in text:
                yield str(path.relative_to(package)), _filled(text)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(part) for part in node.values)
    return None


def _part(part: ast.expr) -> str:
    """A piece of an f-string: a value that is named after a fragment is that fragment's name."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    named = ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ""
    return "RunFragment" if "fragment_name" in named.lower() else " "


def _filled(text: str) -> str:
    for placeholder, value in FILLED:
        text = text.replace(placeholder, value)
    if "{{" in text:  # a template for str.format
        text = re.sub(r"\{\{|\}\}|\{\w*\}", lambda m: {"{{": "{", "}}": "}"}.get(m[0], "PLACE"), text)
        text = text.replace("PLACE(samples", "history(samples").replace("PLACE", " ")
    text = re.sub(r"%s|\{\}", " ", text)
    for operation, (variables, place, value) in LOOPED.items():
        if re.match(rf"\s*\w+ {operation}\(\s*\)", text):
            text = re.sub(place, value, re.sub(r"\(\s*\)", f"({variables})", text, count=1))
    text = re.sub(r"\b_[A-Za-z]+(_[A-Za-z]+)*_\b", " ", text)
    text = re.sub(r"input:\s*\)", "input: {})", text)
    text = re.sub(r"(mutation \w+)\(\s*\)", r"\1", text)
    text = re.sub(r"(\w+):\s+\(", r"\1: \1(", text)  # the field is chosen by the age of the server
    return re.sub(r"\.\.\.\s*(?=[\s}])(?!\s*on\b)(?!\s*\w)", "...RunFragment ", text)


def _binary_texts(package: Path) -> Iterator[tuple[str, str]]:
    """The documents inside `wandb-core`: they lie there as plain text, each up to the brace that closes it."""
    binary = package / "bin" / "wandb-core"
    content = binary.read_bytes() if binary.exists() else b""
    for match in IN_BINARY.finditer(content):
        text = content[match.start() + 1 : match.start() + LONGEST].decode("latin-1")
        yield "bin/wandb-core", text[: _end(text)]


def _end(text: str) -> int:
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if character == "}" and depth == 0 and not re.match(r"\s*fragment ", text[place + 1 :]):
            return place + 1
    return len(text)


def _parsed(text: str) -> DocumentNode | None:
    try:
        return parse(text)
    except GraphQLError:
        return None


def _fragments(text: str) -> Iterator[tuple[str, str]]:
    document = _parsed(text)
    for node in document.definitions if document else ():
        if isinstance(node, FragmentDefinitionNode) and node.loc:
            yield node.name.value, text[node.loc.start : node.loc.end]


def _operations(text: str, fragments: dict[str, str]) -> Iterator[tuple[str, str]]:
    document = _parsed(text)
    if document is None:
        if not STARTS.match(text) or text.lstrip().startswith("fragment"):
            return
        raise ValueError(f"a document of the SDK cannot be read:\n{text}")
    names = [
        node.name.value for node in document.definitions if isinstance(node, OperationDefinitionNode) and node.name
    ]
    if names:
        yield names[0], text + "\n" + "\n".join(_missing(document, fragments))


def _missing(document: DocumentNode, fragments: dict[str, str]) -> list[str]:
    """The fragments that a document spreads and does not hold, and those that they spread."""
    held = {node.name.value for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    wanted, added = _spreads(document) - held, {}
    while wanted:
        name = wanted.pop()
        added[name] = fragments[name]
        wanted |= _spreads(parse(fragments[name])) - held - set(added)
    return list(added.values())


def _spreads(document: DocumentNode) -> set[str]:
    found: set[str] = set()

    class Spreads(Visitor):
        def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
            found.add(node.name.value)

    visit(document, Spreads())
    return found
