"""Finds every API key that the SDK could use, in its order of precedence, and what is wrong with each."""

from __future__ import annotations

import hashlib
import netrc
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from harness.evidence.models.base import Trouble
from harness.evidence.models.setup import Credentials, KeySource, SdkSettings
from harness.evidence.network.address import FORGE_HOSTS, split_url, version_tuple
from harness.evidence.setup.job_settings import BY_INTERPRETER, JobSettings
from harness.evidence.setup.settings_files import expand_user, home_folder

Problem = Literal["", "empty", "whitespace", "quotes", "illegal_characters", "too_short", "placeholder"]

_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")
_PLACEHOLDER = re.compile(
    r"[<\[{].*[>\]}]|\$.*|(?i:.*(your|my|the)?[-_ ]?(wandb[-_ ]?)?(api[-_ ]?)?key([-_ ]?here)?"
    r"|(your|insert|paste|put|replace|change)[-_ ]?.*|x{3,20}|\*+|\.{3,}|todo|none|null|changeme"
    r"|secret|dummy|placeholder)"
)
_SECRET_NAME = re.compile(r"(API_?KEY|ACCESS_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|_JWT)$", re.IGNORECASE)
_NEW_LOOKUP = (0, 23, 1)
"""Since this SDK a key is checked before use and netrc is searched for the host with its port."""
_FILES_AGAIN = (0, 30)
"""From 0.23.1 until this SDK a key in a settings file was not read, whatever the documentation said."""
_LONGEST_FILE = 1 << 16
_SHORTEST_SECRET = 8
_QUOTES = "\"'`"


@dataclass(frozen=True)
class _Found:
    """A source and, apart from it, the key: only the source leaves this module."""

    source: KeySource
    key: str = field(default="", repr=False)


def key_problem(key: str) -> Problem:
    """What is wrong with the form of the key, by the rules of SDK 0.31 (wandb/sdk/lib/wbauth/validation.py).

    A key that those rules refuse and that reads like the guide's `<your_api_key>` is called a placeholder.
    """
    if not key:
        return "empty"
    problem = _refused_form(key)
    bare = key.strip().strip(_QUOTES)
    return "placeholder" if problem and _PLACEHOLDER.fullmatch(bare) else problem


def _refused_form(key: str) -> Problem:
    if key != key.strip():
        return "whitespace"
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        return "quotes"
    if _JWT.fullmatch(key):
        return ""
    prefix, dash, rest = key.partition("-")
    secret = rest if dash else prefix
    if not re.fullmatch(r"[\w-]+", secret):
        return "illegal_characters"
    return "too_short" if len(secret) < 40 else ""


def collect_credentials(settings: JobSettings) -> Credentials:
    """Every key source for the server, as the SDK of that version (the newest where unknown) would try them.

    Which of them it takes is the SDK's own word, where it was asked.
    """
    home = home_folder(settings.env)
    path = netrc_path(settings.env, settings.cwd)
    return Credentials(
        sources=tuple(found.source for found in _sources(settings)),
        home=home,
        home_exists=_is_folder(Path(home)),
        netrc_path=str(path),
        netrc_exists=_exists(path),
    )


def api_key_in_use(settings: JobSettings, base_url: str | None = None) -> str | None:
    """The key that the SDK would send to its server, or to that one; None where there is none here.

    A key that the SDK would refuse for its form is returned as it is: the server's answer to it is evidence.
    """
    for found in _sources(settings, base_url):
        source = found.source
        if source.source == BY_INTERPRETER:
            return None
        if found.key and source.matches_server and source.trouble is None and source.source != "identity_token":
            return found.key
    return None


def known_secrets(settings: JobSettings) -> set[str]:
    """Every key, token and password that this environment and these files hold; placeholders left out."""
    secrets = {found.key for found in _sources(settings)}
    for name, value in settings.env.items():
        if _SECRET_NAME.search(name):
            secrets.add(value)
        elif name.lower().endswith("_proxy") and "@" in value:
            secrets.add(unquote(split_url(value).password or ""))
    return {s for s in secrets if len(s) >= _SHORTEST_SECRET and key_problem(s) != "placeholder"}


def netrc_path(env: Mapping[str, str], cwd: Path) -> Path:
    """The netrc file that the SDK reads: $NETRC, else ~/.netrc, else ~/_netrc."""
    if env.get("NETRC"):
        return cwd / expand_user(env["NETRC"], env)
    usual = cwd / expand_user("~/.netrc", env)
    windows = cwd / expand_user("~/_netrc", env)
    return windows if not _exists(usual) and _exists(windows) else usual


def _sources(settings: JobSettings, base_url: str | None = None) -> list[_Found]:
    """SDK 0.23.1 and newer look into netrc before the settings files; older ones the other way round."""
    own = settings.base_url()[0]
    server = own if base_url is None else base_url
    env, cwd, version = settings.env, settings.cwd, version_tuple(settings.sdk_version)
    old = version < _NEW_LOOKUP
    from_env = [*_from_environment(env), *_identity_token(env, cwd)]
    from_netrc = list(_from_netrc(env, cwd, server, ignore_port=old))
    from_files = list(_from_settings(settings, read=old or version >= _FILES_AGAIN))
    read = [*from_env, *from_files, *from_netrc] if old else [*from_env, *from_netrc, *from_files]
    return _corrected(read, settings.sdk) if server == own else read


def _corrected(read: list[_Found], sdk: SdkSettings) -> list[_Found]:
    """The source of the key that the SDK says it sends, first; where it sends none, every usable one in trouble."""
    if sdk.key_length is None:
        return read
    if sdk.key_length == 0:
        no = Trouble(kind="other", text="the SDK takes no key from here")
        usable = [f.source.length > 0 and f.source.matches_server and f.source.trouble is None for f in read]
        return [
            replace(found, source=found.source.model_copy(update={"trouble": no})) if use else found
            for found, use in zip(read, usable, strict=True)
        ]
    sent = next((f for f in read if f.source.fingerprint == sdk.key_fingerprint and f.source.trouble is None), None)
    if sent is None:
        only_there = KeySource(source=BY_INTERPRETER, length=sdk.key_length, fingerprint=sdk.key_fingerprint)
        return [_Found(only_there), *read]
    taken = replace(sent, source=sent.source.model_copy(update={"matches_server": True}))
    return [taken, *(found for found in read if found is not sent)]


def _found(name: str, key: str, *, path: str | None = None, host: str | None = None, **more: object) -> _Found:
    source = KeySource(
        source=name,
        path=path,
        host=host,
        length=len(key),
        problem=key_problem(key),
        fingerprint=fingerprint(key) if key else None,
    )
    return _Found(source.model_copy(update=more), key)


def fingerprint(key: str) -> str:
    """First 8 hex digits of the SHA-256: tells two secrets apart without showing either."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _from_environment(env: Mapping[str, str]) -> Iterator[_Found]:
    if "WANDB_API_KEY" in env:
        yield _found("WANDB_API_KEY", env["WANDB_API_KEY"])


def _identity_token(env: Mapping[str, str], cwd: Path) -> Iterator[_Found]:
    if not env.get("WANDB_IDENTITY_TOKEN_FILE"):
        return
    path = cwd / env["WANDB_IDENTITY_TOKEN_FILE"]
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            token = file.read(_LONGEST_FILE).strip()
    except OSError as error:
        yield _Found(KeySource(source="identity_token", path=str(path), trouble=_trouble(error, path)))
        return
    yield _found("identity_token", token, path=str(path), problem="" if token else "empty", file_mode=_mode(path))


def _from_settings(settings: JobSettings, *, read: bool) -> Iterator[_Found]:
    found = settings.from_files("api_key")
    if not found:
        return
    key, file = found
    path = str(file.path)
    trouble = None if read else Trouble(kind="other", text="SDK 0.23.1 to 0.29 read no key from here", where=path)
    yield _found("settings", key, path=path, file_mode=_mode(file.path), trouble=trouble)


def _from_netrc(env: Mapping[str, str], cwd: Path, base_url: str, *, ignore_port: bool) -> Iterator[_Found]:
    """Every entry of the file, the one for this server first; a file that cannot be read is one source in trouble."""
    path = netrc_path(env, cwd)
    if not _exists(path) and not env.get("NETRC"):
        return
    mode = _mode(path)
    try:
        hosts = netrc.netrc(str(path)).hosts
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError) as error:
        yield _Found(KeySource(source="netrc", path=str(path), file_mode=mode, trouble=_trouble(error, path)))
        return
    wanted = _machines(base_url, ignore_port=ignore_port)
    chosen = next((name for name in (*wanted, "default") if name in hosts), None)
    for host, (_, _, password) in sorted(hosts.items(), key=lambda item: item[0] != chosen):
        matches = host == chosen
        yield _found("netrc", password or "", path=str(path), host=host, matches_server=matches, file_mode=mode)


def _machines(base_url: str, *, ignore_port: bool) -> tuple[str, ...]:
    """The machine names under which the SDK looks for this server's key, in its order."""
    parts = split_url(base_url)
    if ignore_port:
        return (parts.netloc.split(":")[0],)
    upstream = next((api for forge, api in FORGE_HOSTS.items() if parts.hostname in {forge, f"api.{forge}"}), None)
    return (parts.netloc, upstream) if upstream else (parts.netloc,)


def _trouble(error: Exception, path: Path) -> Trouble:
    """The kind of trouble with a file; never the parser's own words, which may quote the key."""
    if isinstance(error, netrc.NetrcParseError):
        return Trouble(kind="protocol", text=f"not a netrc file, line {error.lineno}", where=str(path))
    if isinstance(error, FileNotFoundError):
        return Trouble(kind="missing", text="no such file", where=str(path))
    if isinstance(error, PermissionError):
        return Trouble(kind="permission", text="permission denied", where=str(path))
    words = error.strerror if isinstance(error, OSError) else "not a text file in UTF-8"
    return Trouble(kind="other", text=words or type(error).__name__, where=str(path))


def _mode(path: Path) -> str | None:
    try:
        return f"{stat.S_IMODE(path.stat().st_mode):04o}"
    except OSError:
        return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
