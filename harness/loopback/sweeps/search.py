"""What a sweep tries next: grid in order, everything else at random, from the distributions that W&B documents."""

from __future__ import annotations

import contextlib
import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.loopback.errors import bad_request

Parameters = Mapping[str, Mapping[str, Any]]
Draw = Callable[[random.Random, Mapping[str, Any]], Any]
LARGEST_RANGE = 1_000_000


def _rounded(draw: Draw) -> Draw:
    """The same distribution in steps of `q`."""

    def rounded(source: random.Random, spec: Mapping[str, Any]) -> Any:
        step = spec.get("q", 1)
        return round(draw(source, spec) / step) * step

    return rounded


def _uniform(source: random.Random, spec: Mapping[str, Any]) -> float:
    return source.uniform(spec["min"], spec["max"])


def _log_uniform(source: random.Random, spec: Mapping[str, Any]) -> float:
    return math.exp(source.uniform(spec["min"], spec["max"]))


def _log_uniform_values(source: random.Random, spec: Mapping[str, Any]) -> float:
    return math.exp(source.uniform(math.log(spec["min"]), math.log(spec["max"])))


def _inverse_log_uniform_values(source: random.Random, spec: Mapping[str, Any]) -> float:
    return float(spec["max"] - _log_uniform_values(source, spec) + spec["min"])


def _normal(source: random.Random, spec: Mapping[str, Any]) -> float:
    return source.gauss(spec.get("mu", 0.0), spec.get("sigma", 1.0))


def _log_normal(source: random.Random, spec: Mapping[str, Any]) -> float:
    return math.exp(_normal(source, spec))


def _beta(source: random.Random, spec: Mapping[str, Any]) -> float:
    return source.betavariate(spec["a"], spec["b"])


DISTRIBUTIONS: Mapping[str, Draw] = {
    "constant": lambda _, spec: spec["value"],
    "categorical": lambda source, spec: source.choice(spec["values"]),
    "categorical_w_probabilities": lambda source, spec: source.choices(spec["values"], spec["probabilities"])[0],
    "int_uniform": lambda source, spec: source.randint(int(spec["min"]), int(spec["max"])),
    "uniform": _uniform,
    "q_uniform": _rounded(_uniform),
    "log_uniform": _log_uniform,
    "log_uniform_values": _log_uniform_values,
    "q_log_uniform": _rounded(_log_uniform),
    "q_log_uniform_values": _rounded(_log_uniform_values),
    "inv_log_uniform": lambda source, spec: 1 / _log_uniform(source, spec),
    "inv_log_uniform_values": _inverse_log_uniform_values,
    "normal": _normal,
    "q_normal": _rounded(_normal),
    "log_normal": _log_normal,
    "q_log_normal": _rounded(_log_normal),
    "beta": _beta,
    "q_beta": _rounded(_beta),
}


def distribution(spec: Mapping[str, Any]) -> str:
    """The distribution of a parameter, as W&B infers it where none is named.

    Raises:
        ApiError: it cannot be inferred, or W&B documents none of this name (400).
    """
    named = spec.get("distribution")
    if named is None:
        if "value" in spec:
            named = "constant"
        elif "values" in spec:
            named = "categorical_w_probabilities" if "probabilities" in spec else "categorical"
        elif "min" in spec and "max" in spec:
            whole = isinstance(spec["min"], int) and isinstance(spec["max"], int)
            named = "int_uniform" if whole else "uniform"
        elif "mu" in spec or "sigma" in spec:
            named = "normal"
    if named not in DISTRIBUTIONS:
        raise bad_request(f"invalid sweep config: no distribution for {dict(spec)}")
    return str(named)


def _choices(spec: Mapping[str, Any]) -> Sequence[Any]:
    """Every value of a parameter of a grid.

    Raises:
        ApiError: a grid cannot walk its distribution, or there are too many (400).
    """
    if "parameters" in spec:
        if combination_count(spec["parameters"]) > LARGEST_RANGE:
            raise bad_request(f"invalid sweep config: more than {LARGEST_RANGE} values")
        return [_nested(chosen) for chosen in combinations(spec["parameters"])]
    kind = distribution(spec)
    if kind == "constant":
        return [spec["value"]]
    if kind.startswith("categorical"):
        return list(spec["values"])
    if kind == "int_uniform":
        return range(int(spec["min"]), min(int(spec["max"]), int(spec["min"]) + LARGEST_RANGE) + 1)
    if kind == "q_uniform":
        step = spec.get("q", 1)
        count = int((spec["max"] - spec["min"]) / step + 1e-9) + 1
        return [spec["min"] + step * number for number in range(min(count, LARGEST_RANGE))]
    raise bad_request(f"invalid sweep config: a grid cannot walk the distribution {kind}")


def combinations(parameters: Parameters) -> Iterator[dict[str, Any]]:
    """Every combination of a grid: the last parameter changes first.

    Raises:
        ApiError: a grid cannot walk one of the distributions (400).
    """
    names = list(parameters)
    for values in itertools.product(*(_choices(parameters[name]) for name in names)):
        yield {name: {"value": value} for name, value in zip(names, values, strict=True)}


def combination_count(parameters: Parameters) -> int:
    """How many combinations a grid has."""
    return math.prod(
        combination_count(spec["parameters"]) if "parameters" in spec else len(_choices(spec))
        for spec in parameters.values()
    )


def draw(source: random.Random, parameters: Parameters) -> dict[str, Any]:
    """One combination at random.

    Raises:
        ApiError: W&B documents no such distribution (400).
    """
    return {
        name: {
            "value": _nested(draw(source, spec["parameters"]))
            if "parameters" in spec
            else DISTRIBUTIONS[distribution(spec)](source, spec)
        }
        for name, spec in parameters.items()
    }


def _nested(chosen: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value["value"] for name, value in chosen.items()}


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Whatever the values of a configuration do to the arithmetic is a refusal (400)."""
    try:
        yield
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise bad_request(f"invalid sweep config: {error!r}") from error


def check(method: str, parameters: Parameters) -> None:
    """Refuses a configuration that no run could come from.

    Raises:
        ApiError: an unknown distribution, or one that a grid cannot walk, or a value is missing, or there are too many
            (400).
    """
    with refusing():
        if method == "grid":
            # A grid keeps every value of every parameter while it is walked.
            values = 0
            for spec in parameters.values():
                values += len(_choices(spec))
                if values > LARGEST_RANGE:
                    raise bad_request(f"invalid sweep config: more than {LARGEST_RANGE} values")
        else:
            draw(random.Random(0), parameters)  # noqa: S311 - a try, no secret
