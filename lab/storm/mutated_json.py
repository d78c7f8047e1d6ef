"""Deterministic damage of JSON: in the tree, in texts that are JSON themselves, and in the bytes."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

Container: TypeAlias = "dict[str, Any] | list[Any]"
Place = tuple[Container, Any]

RAW = "@raw@"
"""What stands for text that no value can be written as: numbers without end, brackets without a counterpart."""
TEXTS_RAW = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e308", "-0", "01", "1.", "9" * 400, "9" * 4299, "9" * 5000,
    "-" + "9" * 310, '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\x"', '"\n"', "[", "]", "{", "}", ",", ":", '"',
    "[" * 90 + "]" * 90, "[" * 900 + "]" * 900, "[" * 5000 + "]" * 5000, "[" * 100_000, '{"a":' * 90 + "1" + "}" * 90,
    '{"a":' * 900 + "1" + "}" * 900, '{"a":' * 30_000, '{"a":1,"a":2}', "nul", "'x'", "/**/1", "undefined",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 1.5, -0.5, 1e300, 2**31 - 1, 2**31, -(2**31) - 1, 2**53, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64,
    -(2**63) - 1, 10**30, -(10**30), 10**309, 10**4000, 999, 100_000, 999_999, 1_000_000, 1_000_001,
)  # fmt: skip
DOUBLING = """lolz: &a [x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]
name: [*c,*c,*c,*c,*c,*c,*c,*c,*c]
"""
"""YAML that grows with each line as soon as its aliases are written out."""
TEXTS = (
    "", " ", "0", "-1", "NaN", "null", "\x00", "a\x00b", "\x1b[2J\x07", "\r\nSet-Cookie: a=b", "\ud800", "x\udfff",
    "\u202e\ufeff", "é" * 60, "\U0001f600" * 40, "x" * 129, "x" * 70_000, "../../../etc/passwd", "a/b", "a:b", "a%2Fb",
    "%s%n{0}", "__proto__", "_wandb", "_step", "_type", "$regex", "$", "$or", "v0", "latest", "loopback", "compat",
    "someone-else", "running", "PAUSED", "finished", "[]", "{}", '""', "[1]", '{"keys":["loss"]}', '{"_wandb":1}',
    '{"_wandb":{"value":[]}}', '{"_step":1e999}', '{"_step":NaN,"a":Infinity}', '{"_step":-5}', '{"a":{"_type":[]}}',
    '{"a":' + "9" * 400 + "}", '{"a.b":1,"a":{"b":2}}', '{"":{"":{"":1}}}', '{"keys":["a"],"minStep":1e999}',
    '{"keys":{"a":1},"samples":-1}', '{"keys":["_step"],"samples":1e999}', '{"keys":["_step"],"maxStep":"x"}',
    '{"_wandb":{"value":{"branch_point":{"run_id":"shared","step":1e999}}}}',
    '{"_wandb":{"value":{"branch_point":{"run_id":"shared","step":-1}}}}',
    '{"_wandb":{"value":{"branch_point":{"run_id":[],"step":NaN}}}}', '{"_step":"1","_step":2}',
    '{"$and":' * 40 + "[]" + "}" * 40, '{"$and":[' * 400 + "]}" * 400, '{"name":{"$not":' * 1 + "{}}}",
    '{"name":{"$regex":"("}}', '{"name":{"$regex":"(a+)+$"}}', '{"display_name":{"$regex":"(x|x)*y"}}',
    '{"config.a":{"$gt":1}}', '{"config.":1}', '{"summary_metrics.loss":{"$in":3}}', '{"tags":{"$in":[[],{}]}}',
    '{"name":{"$in":["a",1e999]}}', '{"$nor":[{"state":{"$ne":null}}]}', "+name", "-summary_metrics.loss", "--", "+",
    "%" * 60 + "x", "%a" * 40, "_" * 100, "a" * 100, "MTpydW4x", "LTE6eA==", "OTk5OTk5OTk5OTk5OTk5OTk5OTk6eA==",
    "a: &a [x]\nb: [*a, *a]", "a: &a [*a]", "? {a: b}\n: c", "!!python/object:os.system x", "[" * 3000, "{a: " * 3000,
    "2026-01-31", "a: 2026-01-31", "method: grid\nparameters: {x: {min: 0, max: 1000000000}}",
    "method: grid\nparameters: {x: {min: 0, max: 5}, y: {min: 0.0, max: .inf, distribution: q_uniform, q: 0}}",
    "method: random\nparameters: {x: {distribution: log_uniform, min: 0, max: 10000}}",
    "method: random\nparameters: {x: {distribution: constant, value: 2026-01-31}}",
    "method: random\nparameters: {x: {distribution: inv_log_uniform, min: -9999, max: -9999}}",
    "method: random\nparameters: {x: {values: []}}", "method: grid\nparameters: {x: {values: 3}}",
    "method: random\nparameters: {x: {parameters: []}}", "method: []\nparameters: {1: {value: 2}}",
    "method: grid\nparameters: {x: {values: [.nan, .inf, 2026-01-31, !!binary aGk=, !!set {a}]}}",
    "parameters: {x: {distribution: [], min: 0}}", "metric: 3", "metric: {name: [], goal: {}}", "run_cap: -1",
    "run_cap: true\nname: []\nprogram: {a: 1}", '{"schedule":[1]}', '{"schedule":[{"id":[],"data":3}]}',
    '{"type":"local"}', "controller: {type: local}", DOUBLING,
)  # fmt: skip
KINDS = ("Run", "File", "Artifact", "Sweep", "Agent", "ArtifactCollection", "ArtifactManifest")


def damaged(body: Any, chance: random.Random) -> bytes:
    """A body with one to four kinds of damage; one in four has damaged bytes besides."""
    root = [json.loads(json.dumps(body))]
    for _ in range(chance.choice([1, 1, 2, 4])):
        _damage_tree(root, chance)
    data = written(root[0] if root else None, chance)
    return damaged_bytes(data, chance) if chance.random() < 0.25 else data


def written(value: Any, chance: random.Random) -> bytes:
    """A value as JSON text, with what stands for raw text put in, and a key that comes twice."""
    parts = json.dumps(value, ensure_ascii=chance.random() < 0.7).split(f'"{RAW}"')
    text = parts[0] + "".join(chance.choice(TEXTS_RAW) + part for part in parts[1:])
    if chance.random() < 0.05 and text.startswith("{") and len(text) > 2:
        text = "{" + text[1:-1] + "," + text[1:]
    return text.encode("utf-8", "surrogatepass")


def _damage_tree(root: list[Any], chance: random.Random) -> None:
    if not root:  # the whole was removed
        root.append(awkward(chance))
    container, key = chance.choice(list(places(root)))
    value = container[key]
    inner = _as_json(value)
    if inner is not None and chance.random() < 0.7:
        kept = [inner]
        _damage_tree(kept, chance)
        container[key] = written(kept[0] if kept else None, chance).decode("utf-8", "surrogatepass")
        return
    chance.choice(_DAMAGE)(container, key, chance)


def places(container: Container) -> Iterator[Place]:
    """Every place of a tree that holds a value."""
    waiting = [container]
    while waiting:
        found = waiting.pop()
        for key, value in list(found.items()) if isinstance(found, dict) else list(enumerate(found)):
            yield found, key
            if isinstance(value, (dict, list)):
                waiting.append(value)


def _as_json(value: Any) -> Any:
    """What a text holds that is JSON itself, None for any other value."""
    if not isinstance(value, str) or not value.startswith(("{", "[")) or value.count("[") + value.count("{") > 200:
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def awkward(chance: random.Random) -> Any:
    """A value that nobody expects."""
    kind = chance.randrange(8)
    if kind == 0:
        return chance.choice([None, True, False, [], {}, [[]], {"": None}, [None], ["a", 1]])
    if kind == 1:
        return chance.choice(NUMBERS)
    if kind == 2:
        return RAW
    if kind == 3:
        parts = [chance.choice(KINDS), "v1", *chance.choices(("shared", "compat", "loopback", "1", "2", "é", ""), k=3)]
        return base64.b64encode(":".join(parts[: chance.randint(1, 5)]).encode()).decode()
    if kind == 4:
        return [chance.choice(TEXTS) for _ in range(chance.choice([1, 2, 30]))]
    if kind == 5:
        return {chance.choice(TEXTS): awkward(chance) for _ in range(chance.choice([1, 2, 9]))}
    return chance.choice(TEXTS)


def _replace(container: Container, key: Any, chance: random.Random) -> None:
    container[key] = awkward(chance)


def _remove(container: Container, key: Any, chance: random.Random) -> None:
    del container[key]
    if not container and chance.random() < 0.5 and isinstance(container, list):
        container.append(awkward(chance))


def _rename(container: Container, key: Any, chance: random.Random) -> None:
    if isinstance(container, dict):
        container[chance.choice(TEXTS)] = container.pop(key)


def _wrap(container: Container, key: Any, chance: random.Random) -> None:
    value = container[key]
    for _ in range(chance.choice([1, 1, 2, 40])):
        value = [value] if chance.random() < 0.5 else {chance.choice(("a", "value", "offset", "content")): value}
    container[key] = value


def _as_text(container: Container, key: Any, chance: random.Random) -> None:
    value = container[key]
    container[key] = value[: chance.randint(0, len(value))] if isinstance(value, str) else json.dumps(value)[:99]


def _repeat(container: Container, key: Any, chance: random.Random) -> None:
    value, times = container[key], chance.choice([2, 3, 50])
    if isinstance(value, (str, list)) and len(value) < 2000:
        container[key] = value * times
    elif isinstance(container, list) and len(json.dumps(value)) < 500:
        container.extend([value] * times)


def _swap(container: Container, key: Any, chance: random.Random) -> None:
    other, place = chance.choice(list(places(container)))
    # Copies, since a value that held itself could not be written.
    one, two = json.loads(json.dumps([container[key], other[place]]))
    other[place] = one
    container[key] = two


def _add(container: Container, key: Any, chance: random.Random) -> None:
    if isinstance(container, dict):
        container[chance.choice(TEXTS)] = awkward(chance)
    else:
        container.insert(key, awkward(chance))


def _nudge(container: Container, key: Any, chance: random.Random) -> None:
    value = container[key]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**70:
        container[key] = chance.choice(
            [-value, value + 1, value - 1, value * 1000, float(value), str(value), bool(value)]
        )


Damage = Callable[[Container, Any, random.Random], None]
_DAMAGE: list[Damage] = [_replace, _replace, _replace, _remove, _rename, _wrap, _as_text, _repeat, _swap, _add, _nudge]


def damaged_bytes(data: bytes, chance: random.Random) -> bytes:
    """Bytes flipped, set, cut, removed, doubled or put in; sometimes the whole in another encoding."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        start, size = chance.randrange(len(found) + 1), chance.randint(1, 60)
        kind = chance.randrange(7)
        if kind == 0 and start < len(found):
            found[start] ^= 1 << chance.randrange(8)
        elif kind == 1:
            found[start : start + 1] = chance.choice(
                [b"\x00", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\\", b'"', b"\xf4\x90"]
            )
        elif kind == 2:
            del found[start:]
        elif kind == 3:
            del found[start : start + size]
        elif kind == 4:
            found[start:start] = found[start : start + size] * chance.choice([1, 2, 40])
        elif kind == 5:
            found[start:start] = chance.randbytes(size)
    whole = bytes(found)
    if chance.random() < 0.05:
        encoding = chance.choice(["utf-16", "utf-32-le", "utf-8-sig", "latin-1", "utf-7"])
        whole = whole.decode("utf-8", "ignore").encode(encoding, "ignore")
    return whole
