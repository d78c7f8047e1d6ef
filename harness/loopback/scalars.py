"""The scalars of the schema that GraphQL itself has not: what a client may send as one, refused before it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError

SMALLEST, LARGEST = -(2**63), 2**63 - 1


def text(value: Any) -> str:
    """A text, such as one that holds JSON.

    Raises:
        GraphQLError: it is none.
    """
    if not isinstance(value, str):
        raise GraphQLError(f"not a string: {str(value)[:100]}")
    return value


def whole_number(value: Any) -> int:
    """A number of 64 bits, also where it was written as 1.0.

    Raises:
        GraphQLError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not SMALLEST <= value <= LARGEST or value % 1:
        raise GraphQLError(f"not an integer of 64 bits: {str(value)[:100]}")
    return int(value)


SCALARS: Mapping[str, Callable[[Any], Any]] = {"JSONString": text, "DateTime": text, "Int64": whole_number}
