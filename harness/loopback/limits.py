"""What a GraphQL request may cost: the length and depth of its document, and the number of values in its answer.

The limits lie far above all that the SDK asks: its longest document has 250 tokens and is 10 levels deep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Lexer,
    OperationDefinitionNode,
    SelectionNode,
    Source,
    TokenKind,
)

from harness.loopback.errors import bad_request

LONGEST_QUERY = 200_000
MOST_TOKENS = 1_000
LONGEST_NAME = 200
DEEPEST_DOCUMENT = 30
MOST_VALUES = 60_000
OPENING = (TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L)
CLOSING = (TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R)


def too_large(query: str) -> str | None:
    """Why a document is not even parsed, None if it is: what comes later may take far longer than its length.

    Raises:
        GraphQLError: it holds characters that no document holds.
    """
    if len(query) > LONGEST_QUERY:
        return f"it has more than {LONGEST_QUERY} characters"
    lexer, depth = Lexer(Source(query)), 0
    for _ in range(MOST_TOKENS):
        token = lexer.advance()
        if token.kind is TokenKind.EOF:
            return None
        if token.kind is TokenKind.NAME and len(token.value or "") > LONGEST_NAME:
            return f"a name in it has more than {LONGEST_NAME} characters"
        depth += (token.kind in OPENING) - (token.kind in CLOSING)
        if depth > DEEPEST_DOCUMENT:
            return f"it is nested deeper than {DEEPEST_DOCUMENT} levels"
    return f"it has more than {MOST_TOKENS} tokens"


def too_deep(ast: DocumentNode) -> str | None:
    """Why a valid document is not executed: its fragments, put in where they are used, nest too deeply."""
    fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
    depths: dict[str, int] = {}

    def depth(selections: Iterable[SelectionNode]) -> int:
        deepest = 0
        for node in selections:
            found = 0
            if isinstance(node, FieldNode):
                found = 1 + (depth(node.selection_set.selections) if node.selection_set else 0)
            elif isinstance(node, InlineFragmentNode):
                found = depth(node.selection_set.selections)
            elif isinstance(node, FragmentSpreadNode):
                found = of_fragment(node.name.value)
            deepest = max(deepest, found)
        return deepest

    def of_fragment(name: str) -> int:
        if name not in depths:
            depths[name] = depth(fragments[name].selection_set.selections)
        return depths[name]

    try:
        operations = (node for node in ast.definitions if isinstance(node, OperationDefinitionNode))
        found = max((depth(node.selection_set.selections) for node in operations), default=0)
    except RecursionError:
        found = DEEPEST_DOCUMENT + 1
    return f"it is nested deeper than {DEEPEST_DOCUMENT} levels" if found > DEEPEST_DOCUMENT else None


class Budget:
    """Middleware for one execution: counts the values, and resolves none beyond the limit."""

    def __init__(self, limit: int = MOST_VALUES) -> None:
        self._left = limit
        self._limit = limit

    def resolve(self, following: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
        """The value of a field.

        Raises:
            ApiError: there were too many (400).
        """
        self._left -= 1
        if self._left < 0:
            raise bad_request(f"the answer would hold more than {self._limit} values")
        return following(source, info, **arguments)
