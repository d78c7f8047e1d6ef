"""The configuration of a sweep: YAML from anybody, read within limits and checked for what is used of it."""

from __future__ import annotations

import json
from typing import Any

import yaml

from harness.loopback.errors import bad_request
from harness.loopback.jsontext import DEEPEST, loads, loads_object
from harness.loopback.sweeps import search

LONGEST = 50_000
MOST_VALUES = 20_000
"""Values of a configuration whose aliases are written out."""
PLAIN = ("name", "method", "program", "description")
METHODS = ("grid", "random", "bayes", "custom")
MAPPINGS = ("metric", "parameters", "controller")


def read(config: str) -> dict[str, Any]:
    """A configuration, read and checked.

    Raises:
        ApiError: it is no YAML mapping, or too large, or no run could come from it (400).
    """
    if len(config) > LONGEST:
        raise bad_request(f"invalid sweep config: longer than {LONGEST} characters")
    try:
        found = yaml.safe_load(config)
    except (yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
        raise bad_request(f"invalid sweep config: {str(error)[:500]}") from error
    if _too_large(found):
        raise bad_request(f"invalid sweep config: more than {MOST_VALUES} values, or nested too deeply")
    try:
        # An agent gets it as JSON, which has no dates, sets and bytes.
        found = loads(json.dumps(found, default=str))
    except (TypeError, ValueError) as error:
        raise bad_request(f"invalid sweep config: {error}") from error
    if not isinstance(found, dict):
        raise bad_request("invalid sweep config: no mapping")
    _check(found)
    return found


def _check(found: dict[str, Any]) -> None:
    """Refuses what has another shape than those who use it expect, and parameters that no run could come from."""
    for key in PLAIN:
        if isinstance(found.get(key), (dict, list)):
            raise bad_request(f"invalid sweep config: {key} must be a text")
    for key in MAPPINGS:
        if not isinstance(found.get(key) or {}, dict):
            raise bad_request(f"invalid sweep config: {key} must be a mapping")
    parameters = found.get("parameters") or {}
    if not all(isinstance(spec, dict) for spec in parameters.values()):
        raise bad_request("invalid sweep config: parameters must be mappings")
    _check_method(found)
    if parameters:
        search.check(found["method"], parameters)


def _check_method(found: dict[str, Any]) -> None:
    """Refuses what no search can follow, in the words of github.com/wandb/sweeps."""
    if "method" not in found:
        raise bad_request("invalid sweep config: Sweep config must contain method section")
    if found["method"] not in METHODS:
        raise bad_request(f"invalid sweep config: Invalid search type {found['method']}, must be one of {METHODS}")
    if found["method"] == "bayes" and "metric" not in found:
        raise bad_request('invalid sweep config: Bayesian search requires "metric" section')


def _too_large(value: Any) -> bool:
    """Whether there are too many values, or levels of them: aliases of YAML double with each line, or go in circles."""
    layer, values = [value], 0
    for _ in range(DEEPEST):
        inner = [item for item in layer if isinstance(item, (dict, list, tuple, set))]
        values += sum(map(len, inner))
        if not inner or values > MOST_VALUES:
            break
        layer = [one for item in inner for one in (item.values() if isinstance(item, dict) else item)]
    return bool(inner)


def check_plan(key: str, text: str | None) -> None:
    """Refuses a plan of a local controller that no run could come from.

    Raises:
        ApiError: it cannot be read (400).
    """
    try:
        planned = loads_object(text or "{}")
        runs = [(item["id"], item["data"]["args"]) for item in planned.get("schedule") or []]
        known = [item["id"] for item in planned.get("scheduled") or []]
    except (KeyError, TypeError, ValueError) as error:
        raise bad_request(f"{key}: {error!r}") from error
    if not all(isinstance(name, (str, int)) for name in [*known, *(name for name, _ in runs)]):
        raise bad_request(f"{key}: an id is no text")
