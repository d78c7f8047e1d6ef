"""Pages of a list as GraphQL connections: edges with cursors that stay good while the list grows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from harness.loopback.errors import bad_request

T = TypeVar("T")
DEFAULT_PAGE = 50
LARGEST_PAGE = 1000


def encode_cursor(index: int, name: str) -> str:
    """A cursor that knows the place and the name of the item, so that either may help to find it again."""
    return base64.urlsafe_b64encode(f"{index}:{name}".encode()).decode()


def _start(items: Sequence[T], after: str | None, name_of: Callable[[T], str]) -> int:
    """Where the page begins that comes after a cursor."""
    if not after:
        return 0
    try:
        index_text, _, name = base64.urlsafe_b64decode(after.encode()).decode().partition(":")
        index = int(index_text)
    except (binascii.Error, ValueError) as error:
        raise bad_request("invalid cursor") from error
    if 0 <= index < len(items) and name_of(items[index]) == name:
        return index + 1
    moved = (place for place, item in enumerate(items) if name_of(item) == name)
    return next(moved, index - 1) + 1


def connection(
    items: Sequence[T],
    first: int | None,
    after: str | None,
    name_of: Callable[[T], str],
    *,
    largest: int = LARGEST_PAGE,
) -> dict[str, Any]:
    """One page of `items` as a connection: edges, pageInfo, totalCount.

    Raises:
        ApiError: the cursor is not one of ours (400).
    """
    start = max(0, _start(items, after, name_of))
    end = start + min(DEFAULT_PAGE if first is None else max(0, first), largest)
    page = items[start:end]
    edges = [{"node": item, "cursor": encode_cursor(start + n, name_of(item))} for n, item in enumerate(page)]
    more = end < len(items)
    return {
        "edges": edges,
        "pageInfo": {"endCursor": edges[-1]["cursor"] if edges else None, "hasNextPage": more},
        "totalCount": len(items),
    }
