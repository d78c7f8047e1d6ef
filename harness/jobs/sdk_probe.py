"""Asks the job's Python which wandb it would import, then the SDK itself what it is set to; prints a line of each.

Standalone, and for Python 3.6 on: `python -c TEXT FOLDER PACKAGES MARK`, where FOLDER is what the job's search path
begins with. The first line costs next to nothing and comes first, whatever the import of wandb then does.
No key is printed: of keys and of W&B's variables there are fingerprints alone.
"""

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    sys.path[0] = sys.argv[1]

import contextlib
import gc
import io
import json
import os
import re
import traceback
from typing import Any

ASKED = ("mode", "base_url", "entity", "project", "console", "root_dir")
NOT_OURS = (AttributeError, TypeError, ImportError, SystemExit, KeyboardInterrupt)
"""What building the settings raises where the SDK has another inside, rather than a setting that it refuses."""
SECRET = re.compile("KEY|TOKEN|SECRET|PASSW", re.IGNORECASE)
SHORTEST_SECRET = 4
QUOTING = ("problems", "warnings", "trouble")
"""Parts of the answer that are in words of others."""
VALIDATOR = "validate_"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def look(wanted: Any) -> "dict[str, Any]":
    """Find wandb without importing it, and versions by the names of the folders in which installers note them.

    `importlib.metadata` reads those names too, but is not in every Python and costs 30 ms.
    """
    found = None
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        found = find("wandb", None) if find else None
        if found is not None:
            break
    versions = versions_on_path()
    answer = {
        "python": "{}.{}.{}".format(*sys.version_info[:3]),
        "versions": {name: versions[name] for name in wanted if name in versions},
    }  # type: dict[str, Any]
    if found is not None:
        folders = list(found.submodule_search_locations or [])
        plain = found.origin not in (None, "namespace")
        home = folders[0] if folders else ""
        core = os.path.join(home, "bin", "wandb-core")
        answer["origin"] = found.origin if plain else (folders or [None])[0]
        answer["namespace"] = not plain
        answer["sdk"] = bool(home) and os.path.isdir(os.path.join(home, "sdk"))
        answer["core"] = os.path.isfile(core) and os.access(core, os.X_OK)
    return answer


def versions_on_path() -> "dict[str, str]":
    """Versions of the installed packages, the first on the search path winning."""
    versions = {}  # type: dict[str, str]
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            stem, ending = os.path.splitext(name)
            if ending in (".dist-info", ".egg-info") and "-" in stem:
                parts = stem.split("-")
                versions.setdefault(parts[0].lower().replace("_", "-"), parts[1])
    return versions


def ask_sdk() -> "dict[str, Any]":
    """Build the SDK's own settings, and say what it makes of its files, its variables and its keys."""
    answer = {"problems": [], "warnings": []}  # type: dict[str, Any]
    spoken = io.StringIO()
    # The import costs a quarter less without numpy, which the SDK uses where it is there, and without collections.
    sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]  # None: an import raises
    gc.disable()
    try:
        with contextlib.redirect_stdout(spoken), contextlib.redirect_stderr(spoken):
            import wandb.errors.term

            overhear(wandb.errors.term, answer["warnings"])
            read(answer)
    except BaseException as error:  # noqa: BLE001 - whatever the import raises is the answer, SystemExit too
        answer["trouble"] = words(error)
    answer["variables"] = {name: mark_of(value) for name, value in os.environ.items() if name.startswith("WANDB_")}
    return answer


def overhear(term: Any, warnings: Any) -> None:
    """Keep the first line of each warning, also where the SDK is told to be silent; the others may quote a file."""
    printed = term._log  # noqa: SLF001 - the SDK has no other place through which every warning passes

    def log(string: str = "", *given: Any, **named: Any) -> Any:
        if named.get("level", 0) >= 30:
            warnings.append(COLOUR.sub("", string).partition("\n")[0][:300])
        return printed(string, *given, **named)

    term._log = log  # noqa: SLF001


def read(answer: "dict[str, Any]") -> None:
    """Fill in the settings, or why the SDK refuses them; then what it makes of the files, and the key."""
    from wandb.sdk import wandb_settings

    try:
        settings = build()
    except NOT_OURS:
        raise
    except Exception as error:  # noqa: BLE001 - a validator may raise what it likes
        answer["problems"] += problems(error, "refused")
        return
    answer["settings"] = {name: text_of(getattr(settings, name, None)) for name in ASKED}
    parse = getattr(wandb_settings, "_parse_system_settings", None)
    if parse is not None:
        try:
            parse(settings.read_system_settings())
        except Exception as error:  # noqa: BLE001 - as above
            answer["problems"] += problems(error, "files_ignored")
    key = key_of(settings)
    if key is not None:
        answer["key"] = {"length": len(key), "fingerprint": mark_of(key) if key else None}
        answer["hidden"] = key


def build() -> Any:
    """The global settings, as wandb.init() begins with them; no service is started."""
    from wandb.sdk import wandb_setup

    kind = wandb_setup._WandbSetup  # noqa: SLF001 - the SDK has no public way that starts nothing
    if not hasattr(kind, "_settings_setup"):
        return wandb_setup.singleton().settings
    # Up to 0.21 a singleton is not to be had without its service, or not at all.
    setup = kind.__new__(kind)
    setup._logger, setup._environ, setup._pid = wandb_setup._EarlyLogger(), dict(os.environ), os.getpid()  # noqa: SLF001
    return setup._settings_setup(None)  # noqa: SLF001


def key_of(settings: Any) -> Any:
    """The key that the SDK would send, empty where it finds none; None where it refuses it or sends something else."""
    try:
        from wandb.sdk.lib.wbauth import authenticate
    except ImportError:
        from wandb.sdk.lib import apikey

        return apikey.api_key(settings) or ""
    ask = authenticate.authenticate_session
    wanted = {"host": settings.base_url, "source": "", "prompt": False, "update_session": False}
    known = ask.__code__.co_varnames[: ask.__code__.co_argcount + ask.__code__.co_kwonlyargcount]
    try:
        found = ask(**{name: value for name, value in wanted.items() if name in known})
    except Exception as error:  # noqa: BLE001 - kinds of error differ between versions
        return "" if "No API key configured" in str(error) else None
    return "" if found is None else getattr(found, "api_key", None)


def problems(error: Any, outcome: str) -> "list[dict[str, str]]":
    """Every setting that is refused, in the SDK's words and without the value."""
    if not hasattr(error, "errors"):
        return [{"setting": validated(error), "text": words(error), "outcome": outcome}]
    try:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    except TypeError:  # pydantic 1
        found = error.errors()
    told = []
    for one in found:
        setting = str(one["loc"][0]) if one.get("loc") else ""
        text = one["type"] if SECRET.search(setting) else one["msg"]
        told.append({"setting": setting, "text": text, "outcome": outcome})
    return told


def validated(error: Any) -> str:
    """The setting whose validator raised an error that names none, by the validator's name."""
    frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    return next((name[len(VALIDATOR) :] for name in reversed(frames) if name.startswith(VALIDATOR)), "")


def words(error: BaseException) -> str:
    """Kind and first line of an error; of a file's parser the kind alone, since it quotes the file."""
    kind = type(error)
    if kind.__module__ == "configparser":
        return kind.__name__
    return "{}: {}".format(kind.__name__, str(error).strip().partition("\n")[0])[:300]


def text_of(value: Any) -> Any:
    """The value as a text, None where there is none."""
    return None if value is None else str(value)


def mark_of(value: str) -> str:
    """First 8 hex digits of the SHA-256: tells two values apart without showing either."""
    import hashlib

    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def without(value: Any, secrets: Any) -> Any:
    """What was said, without a secret that it may quote."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "[redacted]")
        return value
    if isinstance(value, dict):
        return {name: without(item, secrets) for name, item in value.items()}
    if isinstance(value, list):
        return [without(item, secrets) for item in value]
    return value


def say(mark: str, answer: "dict[str, Any]") -> None:
    """Print an answer at once, on a line of its own."""
    sys.stdout.write("\n{}{}\n".format(mark, json.dumps(answer)))
    sys.stdout.flush()


def main(wanted: "list[str]", mark: str) -> None:
    """Answer both questions; the second one only where a package named wandb is found, for nothing else is imported."""
    seen = look(wanted)
    say(mark, seen)
    if not seen.get("sdk"):
        return
    answer = ask_sdk()
    secrets = [value for name, value in os.environ.items() if SECRET.search(name)] + [answer.pop("hidden", "")]
    told = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
    say(mark, {name: without(value, told) if name in QUOTING else value for name, value in answer.items()})
    # What wandb would tidy up at exit it has not begun.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[2].split(","), sys.argv[3])
