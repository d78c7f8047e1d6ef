"""Which entity, project, server and key a job script gives to W&B by itself; read from its text, it is never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.evidence.setup.script.calls import argument, module_names
from harness.evidence.setup.script.sources import COMMENT, parse, read_sources

_NAMES = ("entity", "project", "base_url", "api_key")
_ANYTHING = "**"
"""Arguments that come from elsewhere: then every mention of a name, in whatever file, may be what they hold."""
_BUNDLES = ("settings", "overrides")
"""Arguments of `wandb.init` and `wandb.Api` that hold several."""
_MENTIONED = {name: re.compile(rf"\b{name}\b[\"']?\s*[=:]") for name in _NAMES}
_CALL = r"(?:\bwandb\.\w+|\b\w*Wandb\w*)\((?:[^()]|\([^()]*\))*?"
_IN_CALL = {name: re.compile(rf"{_CALL}\b{name}\s*=") for name in _NAMES}
_ANYTHING_IN_CALL = re.compile(rf"{_CALL}\*\*")
_OPTION = {
    "entity": re.compile(r"--(?:[\w.-]+[-_.])?entity\b"),
    "project": re.compile(r"--(?:[\w.-]+[-_.])?project\b"),
    "base_url": re.compile(r"(?i)wandb[\w.-]*[._-]base[_-]url[\"']?\s*[=:]|\bwandb\.login\([^()]*\bhost\s*="),
    "api_key": re.compile(r"(?i)wandb[\w.-]*[._-]api[_-]key[\"']?\s*[=:]"),
}
_ANYWHERE = {
    "entity": re.compile(r"WANDB_ENTITY"),
    "project": re.compile(r"WANDB_PROJECT"),
    "base_url": re.compile(r"WANDB_BASE_URL[\"']?\]?\s*[=:,]|\bwandb[\"',\s]+login\b(?:[^\n\\]|\\.|\\\n)*--host"),
    "api_key": re.compile(
        r"WANDB_API_KEY|WANDB_IDENTITY_TOKEN_FILE|wandb\.login\(|wandb\s+login|\bNETRC=|\.netrc"
        r"|\bfrom\s+wandb\s+import[^\n]*\blogin\b"
    ),
}


_KEY_LITERAL = re.compile(
    r"(?i:api_?key|login|password|\bkey\s*=).*?(?<![0-9A-Za-z])(?:[0-9a-f]{40}|wandb_v\d_[A-Za-z0-9_-]{40,})(?![0-9A-Za-z])"
)


def script_names(script: Path | None) -> tuple[str, ...]:
    """Which of entity, project and server the script names by itself: arguments beat the environment."""
    return tuple(name for name in _found(script) if name != "api_key")


def script_mentions_key(script: Path | None) -> bool:
    """Whether the script logs in or sets a key by itself, so that a missing key outside is not the last word."""
    return "api_key" in _found(script)


def script_key_line(script: Path | None) -> int | None:
    """The first line, counted from 1, in which a key itself stands beside the word key, login or password."""
    lines = (read_sources(script) or ("",))[0].split("\n")
    return next((number for number, line in enumerate(lines, 1) if _KEY_LITERAL.search(line)), None)


def _found(script: Path | None) -> tuple[str, ...]:
    sources = read_sources(script)
    texts = [COMMENT.sub("", source) for source in sources]
    said = {name for source, text in zip(sources, texts, strict=True) for name in _said(source, text)}
    patterns = [_ANYWHERE, _MENTIONED] if _ANYTHING in said else [_ANYWHERE]
    said |= {name for name in _NAMES if any(known[name].search(text) for known in patterns for text in texts)}
    return tuple(name for name in _NAMES if name in said)


def _said(source: str, text: str) -> Iterator[str]:
    tree = parse(source)
    # A configuration file may parse as well: it defines, imports and calls nothing.
    acts = (ast.Import, ast.ImportFrom, ast.Call, ast.FunctionDef, ast.ClassDef)
    if tree is not None and any(isinstance(node, acts) for node in ast.walk(tree)):
        yield from _said_in_python(tree)
        return
    if _ANYTHING_IN_CALL.search(text):
        yield from ("entity", "project", _ANYTHING)
    of_wandb = "wandb" in text.lower()
    for name in _NAMES:
        configured = of_wandb and name in ("entity", "project") and _MENTIONED[name].search(text)
        if configured or _IN_CALL[name].search(text) or _OPTION[name].search(text):
            yield name


def _said_in_python(tree: ast.Module) -> Iterator[str]:
    """Names in the arguments of calls by which W&B is meant, and in settings of its that are set one by one."""
    owned, assigned = _owned(tree), _assigned(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _said_in_call(node, owned, assigned)
        elif isinstance(node, ast.Dict):
            # As in `init_trackers(..., init_kwargs={"wandb": {...}})`.
            entries = zip(node.keys, node.values, strict=True)
            named = [value for key, value in entries if isinstance(key, ast.Constant) and key.value == "wandb"]
            yield from (name for value in named if isinstance(value, ast.Dict) for name in _keys(value))
        elif isinstance(node, ast.Assign):
            targets = [target for target in node.targets if isinstance(target, ast.Attribute)]
            yield from (t.attr for t in targets if t.attr in _NAMES and _meant(t.value, owned, "wandb", "settings"))


def _said_in_call(call: ast.Call, owned: frozenset[str], assigned: Mapping[str, list[ast.expr]]) -> Iterator[str]:
    function = _dotted(call.func)
    if function.endswith("import_module") or function == "__import__":
        yield from (_ANYTHING for arg in call.args if isinstance(arg, ast.Constant) and arg.value == "wandb")
    if function.endswith("partial") and call.args and _meant(call.args[0], owned, "wandb"):
        yield from _arguments(call, assigned)
    elif _meant(call.func, owned, "wandb"):
        yield from _arguments(call, assigned)
        if call.args and function.rpartition(".")[2] == "init":
            yield from ("entity", "project")
        elif call.args and function.endswith("Api"):
            yield from _bundle(call.args[0], assigned)


def _arguments(call: ast.Call, assigned: Mapping[str, list[ast.expr]]) -> Iterator[str]:
    if argument(call, None) is not None:
        yield from ("entity", "project", _ANYTHING)
    yield from (name for name in _NAMES if argument(call, name) is not None)
    if argument(call, "host") is not None:
        yield "base_url"
    for bundle in (argument(call, name) for name in _BUNDLES):
        if bundle is not None:
            yield from _bundle(bundle, assigned)


def _bundle(value: ast.expr, assigned: Mapping[str, list[ast.expr]]) -> Iterator[str]:
    """Names in a dict or in settings; a call of `wandb.Settings` speaks for itself, where it stands."""
    if isinstance(value, ast.Dict):
        yield from _keys(value)
    elif isinstance(value, ast.Call) and _dotted(value.func) == "dict":
        yield from _arguments(value, {})
    else:
        # More may be put into a dict that has a name than what is written where it is made.
        known = assigned.get(value.id, [value]) if isinstance(value, ast.Name) else [value]
        yield from (_ANYTHING for one in known if not _is_settings(one))


def _is_settings(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and _dotted(value.func).endswith("Settings")


def _keys(value: ast.Dict) -> Iterator[str]:
    for key in value.keys:
        if key is None:
            yield _ANYTHING
        elif isinstance(key, ast.Constant) and key.value in _NAMES:
            yield key.value


def _owned(tree: ast.Module) -> frozenset[str]:
    """Names that stand for wandb, or for something of it: `import wandb as w`, `from wandb import init as start`."""
    aliases = [
        alias
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "wandb"
        for alias in node.names
    ]
    owned = module_names(tree) | {alias.asname or alias.name for alias in aliases}
    renamed = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and (_is_settings(node.value) or _dotted(node.value).partition(".")[0] in owned)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return owned | renamed


def _assigned(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """What is assigned to each name, anywhere."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def _meant(node: ast.expr, owned: frozenset[str], *words: str) -> bool:
    """Whether the dotted name begins with one that stands for wandb, or has such a word in it: `WandbLogger`."""
    dotted = _dotted(node)
    return dotted.partition(".")[0] in owned or any(word in dotted.lower() for word in words)


def _dotted(node: ast.expr) -> str:
    """`a.b.c` as it is written; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""
