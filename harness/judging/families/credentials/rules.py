"""Rules for the family credentials: which key the SDK finds, and whether the server takes it."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from harness.evidence.models import Credentials, Evidence, KeySource, Network
from harness.judging.advice import job_sdk_version
from harness.judging.catalogue import version_key
from harness.judging.families.credentials.login import RULES as LOGIN_RULES
from harness.judging.rule import Hit, Rule
from harness.judging.view import http_troubles, job_ran, reached_server, said, sdk_log_lines, server_runs

# `wandb sync` says the same after "Error: "; that is sync-no-key.
NO_KEY = r"^(?!Error: ).*(No API key configured\. Use `wandb login`|api_key not configured \(no-tty\))"
NO_LOG_FOLDER = r"failed to get logger path error="
REFUSED = r"user is not logged in|returned error 401|The API key( you provided)? is either invalid or missing"
OTHER_SERVICES = re.compile(r"github|gitlab|bitbucket|huggingface|heroku")
OTHER_PROTOCOL = (
    r"wrong version number|first record does not look like a TLS handshake|server gave HTTP response to HTTPS client"
    r"|(sent|was sent)\b.*\bHTTPS (server|port)"
)
"""TLS spoken to a server without it, or the reverse: in the words of Python, of Go, and of servers."""
LONG_KEY = 41
_FORMAT_TEXTS = {
    "auth-key-too-short": r"API key must (have 40\+ characters, has \d+|be 40 characters long, yours was [0-3]?\d\b)",
    "auth-key-illegal-chars": r"API key may only contain the letters A-Z, digits and underscores",
    "auth-key-whitespace": r"API key cannot start or end with whitespace",
}
_FORMAT_PROBLEMS = {
    "too_short": "auth-key-too-short",
    "quotes": "auth-key-illegal-chars",
    "illegal_characters": "auth-key-illegal-chars",
    "placeholder": "auth-key-illegal-chars",
    "whitespace": "auth-key-whitespace",
}


def credentials_of(evidence: Evidence) -> Credentials | None:
    """The key sources of the place where the job runs, where a job was asked for at all."""
    asked = evidence.request.source == "job" and evidence.request.wants_server
    return evidence.setup.credentials if evidence.setup and asked else None


def finds_no_key(evidence: Evidence) -> bool:
    """Whether no source has a key that the SDK would send, and neither the script nor a run proves otherwise."""
    credentials = credentials_of(evidence)
    if credentials is None or credentials.winning or server_runs(evidence):
        return False
    return not (evidence.setup and evidence.setup.script_sets_key) or bool(_no_key_said(evidence))


def _no_key_said(evidence: Evidence) -> tuple[str, ...]:
    return said(evidence, NO_KEY)


def place_of(source: KeySource) -> str:
    """Say where a key stands, for a sentence."""
    if source.source == "netrc":
        return f"{source.path} (machine {source.host})"
    if source.path:
        return source.path
    if source.source != "WANDB_API_KEY":
        return f"{source.source}: what Python (sitecustomize) or its container makes of what was given to it"
    return f"{source.source} in the environment (your shell, .bashrc, or the batch script)"


def _from(source: KeySource | None) -> str:
    """The kind of place that a key is in, for the conditions of advice."""
    if source is None:
        return "job"
    return "environment" if source.source == "WANDB_API_KEY" else source.source


def _own_place(evidence: Evidence) -> str:
    """Say where a key stands that only the job has."""
    return evidence.request.job_path or "the job's own environment"


def no_key(evidence: Evidence) -> Iterator[Hit]:
    """No source has a key, or the job said so."""
    text = _no_key_said(evidence)
    if not text and not finds_no_key(evidence):
        return
    credentials = credentials_of(evidence)
    observed = list(text)
    if credentials and credentials.winning:
        observed.append(f"There is a key here, in {place_of(credentials.winning)}, but the job did not see it.")
        observed += (*_when_submitted(evidence), *_kept_out(evidence))
    elif credentials:
        empty = any(s.source == "WANDB_API_KEY" for s in credentials.sources)
        observed.append("WANDB_API_KEY is set but empty." if empty else "WANDB_API_KEY is not set.")
        there = "has no entry for this server" if credentials.netrc_exists else "does not exist"
        observed.append(f"{credentials.netrc_path} {there}.")
    yield Hit(id="auth-no-key", observed=tuple(observed))


def _when_submitted(evidence: Evidence) -> tuple[str, ...]:
    """Whether the variable was there when the job was submitted, as Slurm kept it."""
    slurm = evidence.job.slurm if evidence.job else None
    if slurm is None or slurm.submitted_with is None:
        return ()
    there = "was set" if slurm.submitted_with.get("WANDB_API_KEY") else "was not set"
    return (f"WANDB_API_KEY {there} when the job was submitted.",)


def _kept_out(evidence: Evidence) -> tuple[str, ...]:
    """What in the submission keeps the login node's variables out of the job."""
    slurm = evidence.job.slurm if evidence.job else None
    if slurm is None:
        return ()
    unloaded = slurm.unloaded if (slurm.submitted_with or {}).get("WANDB_API_KEY") else ()
    return (
        *(f"The job was submitted with {words}: that keeps it out." for words in slurm.kept_out),
        *(f"The batch script has {words}: where a module had set it, that took it away." for words in unloaded),
    )


def netrc_host_mismatch(evidence: Evidence) -> Iterator[Hit]:
    """No key for this server, but a W&B key for another one in the netrc file."""
    credentials = credentials_of(evidence)
    if credentials is None or not finds_no_key(evidence) or evidence.setup is None:
        return
    others = {s.host: s.length for s in credentials.sources if s.host and not s.matches_server}
    # A netrc file has entries for other services too: a W&B key is known by its host or its length.
    hosts = [h for h, length in others.items() if "wandb" in h or (length >= 40 and not OTHER_SERVICES.search(h))]
    if hosts:
        network = evidence.setup.network
        source = f" ({network.base_url_source})" if network.base_url_source != "default" else ""
        observed = (
            f"{credentials.netrc_path} has keys for: {', '.join(hosts)}.",
            f"Server in use: {network.base_url}{source}.",
        )
        yield Hit(id="auth-netrc-host-mismatch", observed=observed, values={"netrc_host": hosts[0]})


def netrc_unreadable(evidence: Evidence) -> Iterator[Hit]:
    """No key, and the netrc file that should hold it cannot be used."""
    text = said(evidence, r"Failed to read netrc file at|Cannot access \S*netrc\S*\.$|with no API key at")
    if text and _no_key_said(evidence):
        yield Hit(id="auth-netrc-unreadable", observed=text)
        return
    credentials = credentials_of(evidence)
    if credentials is None or evidence.setup is None or not finds_no_key(evidence):
        return
    for source in credentials.sources:
        if source.source == "netrc" and source.trouble:
            values = {"netrc_problem": source.trouble.kind}
            yield Hit(id="auth-netrc-unreadable", observed=(f"{source.path}: {source.trouble.text}",), values=values)
            return
        if source.source == "netrc" and source.matches_server and source.problem == "empty":
            observed = (f"{source.path}: the entry for {source.host} has no password.",)
            yield Hit(id="auth-netrc-unreadable", observed=observed)
            return
    if "NETRC" in evidence.setup.place.variables and not credentials.netrc_exists:
        observed = (f"NETRC={credentials.netrc_path}: there is no such file.",)
        yield Hit(id="auth-netrc-unreadable", observed=observed, values={"netrc_problem": "missing"})


def home_missing(evidence: Evidence) -> Iterator[Hit]:
    """No key, and the home that would hold it is not there."""
    if not finds_no_key(evidence) and not _no_key_said(evidence):
        return
    credentials = credentials_of(evidence)
    here = credentials is not None and not credentials.home_exists and not credentials.netrc_exists
    folder = said(evidence, NO_LOG_FOLDER)
    if credentials and here:
        observed = (f"HOME={credentials.home}: there is no such folder.", *folder)
        yield Hit(id="auth-home-not-in-container", observed=observed)
    elif folder:
        yield Hit(id="auth-home-not-in-container", observed=folder, values={"home": "$HOME"})


def malformed_key(evidence: Evidence) -> Iterator[Hit]:
    """The key that the SDK would send has a form that no key has."""
    credentials = credentials_of(evidence)
    winning = credentials.winning if credentials else None
    texts = {fault: said(evidence, pattern) for fault, pattern in _FORMAT_TEXTS.items()}
    fault = next((f for f, lines in texts.items() if lines), None)
    if fault is None:
        if winning is None or server_runs(evidence) or winning.problem not in _FORMAT_PROBLEMS:
            return
        fault = _FORMAT_PROBLEMS[winning.problem]
    observed = list(texts[fault])
    told = re.search(r"(?:has|yours was) (\d+)", " ".join(observed))
    own = _own_place(evidence)
    values = {"key_length": told[1] if told else "few", "key_source": own, "key_place": own, "key_from": "job"}
    if winning and winning.problem:
        values = {"key_from": _from(winning), "key_problem": winning.problem} | {
            "key_length": str(winning.length),
            "key_source": winning.source,
            "key_place": place_of(winning),
        }
        observed.append(f"{place_of(winning)}: {winning.length} characters, {winning.problem.replace('_', ' ')}.")
    yield Hit(id=fault, observed=tuple(observed), values=values)


def long_key_in_old_sdk(evidence: Evidence) -> Iterator[Hit]:
    """An SDK that insists on 40 characters was given a longer key."""
    text = said(evidence, r"API key must be 40 characters long, yours was \d+|must be exactly 40 characters long")
    length = re.search(r"yours was (\d+)|\((\d+) chars\)", " ".join(text))
    if length and int(length[1] or length[2]) >= LONG_KEY:
        yield Hit(id="auth-key-86-old-sdk", observed=text)


def _refusals(evidence: Evidence) -> tuple[str, ...]:
    """Every sign that the server knows no such key, before any run was made."""
    observed = []
    step = evidence.setup.network.step("viewer") if evidence.setup else None
    if step and step.trouble and step.trouble.kind == "auth":
        status = f"{step.trouble.http_status} " if step.trouble.http_status else ""
        observed.append(f"Asked who the key belongs to: {status}{step.trouble.text}")
    if not server_runs(evidence):
        observed += said(evidence, REFUSED)
        graphql = [t for t in http_troubles(evidence) if t.status == 401 and t.path.endswith("/graphql")]
        observed += [f"wandb-core: {t.path} answered 401" for t in graphql[:1]]
    return tuple(observed)


def rejected_key(evidence: Evidence) -> Iterator[Hit]:
    """The server answers 401; another key, hidden by the environment, makes it the hidden one's fault."""
    observed = _refusals(evidence)
    if not observed or reached_server(evidence):  # the job had a better key
        return
    credentials = evidence.setup.credentials if evidence.setup else None
    winning = credentials.winning if credentials else None
    accepted_here = evidence.setup is not None and evidence.setup.network.viewer is not None
    place = place_of(winning) if winning and not accepted_here else _own_place(evidence)
    values = {"key_place": place, "key_from": "job" if accepted_here else _from(winning)}
    if credentials and winning and winning.source == "WANDB_API_KEY" and not accepted_here:
        hidden = next((s for s in credentials.sources if _hidden(s, winning)), None)
        if hidden:
            shown = (
                f"{place_of(hidden)} holds another key (fingerprint {hidden.fingerprint}, not {winning.fingerprint})."
            )
            yield Hit(id="auth-env-overrides-netrc", observed=(*observed, shown), values=values)
    yield Hit(id="auth-key-rejected-401", observed=observed, values=values)


def _hidden(source: KeySource, winning: KeySource) -> bool:
    good = source.source == "netrc" and source.matches_server and not source.problem
    return good and source.fingerprint not in (None, winning.fingerprint)


def invalid_base_url(evidence: Evidence) -> Iterator[Hit]:
    """The server's address is refused before anything is sent, or something else than a W&B server answers there."""
    text = said(
        evidence, r"is not a valid server address, did you mean|http is not secure, please use https://api\.wandb\.ai"
    )
    schema = said(evidence, r"Input should be a valid URL|relative URL without a base")
    if schema and said(evidence, r"\bbase_url\b"):
        text = (*text, *schema)
    network = evidence.setup.network if evidence.setup else None
    own = evidence.setup is not None and "base_url" in evidence.setup.script_names and job_ran(evidence)
    if network and not own and not server_runs(evidence):
        problem = network.base_url_problem or _no_such_server(network)
        text = (*((f"{network.base_url} ({network.base_url_source}): {problem}",) if problem else ()), *text)
    address = network.base_url if network else "https://api.wandb.ai"
    if not text and not server_runs(evidence):
        text = said(evidence, OTHER_PROTOCOL, limit=1) or sdk_log_lines(evidence, OTHER_PROTOCOL, limit=1)
        asked = re.search(r"https?://[^/\s\"']+", "".join(text))
        address = asked[0] if asked else address
    if text:
        pages = urlsplit(address).hostname in ("wandb.ai", "www.wandb.ai", "app.wandb.ai")
        values = {
            "base_url": address,
            "likely_url": _likely(address, " ".join(text)),
            "likely": "cloud" if pages else "",
        }
        yield Hit(id="auth-base-url-invalid", observed=tuple(line[:300] for line in text), values=values)


def _likely(address: str, words: str) -> str:
    """The address that was probably meant: the other scheme, or no path."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    # A server that has no name has seldom a certificate.
    plain = re.fullmatch(r"localhost|[\d.]+", parts.hostname or "")
    scheme = parts.scheme or ("http" if plain else "https")
    if re.search(OTHER_PROTOCOL, words):
        scheme = "http" if scheme == "https" else "https"
    return f"{scheme}://{parts.netloc or '<your server>'}"


def _no_such_server(network: Network) -> str | None:
    """What the probe met at the address in place of a W&B server."""
    failed = next((s.trouble for s in network.steps if s.trouble), None)
    if failed is None or not re.search(f"no W&B server answers at this address|{OTHER_PROTOCOL}", failed.text):
        return None
    return failed.text


def two_credentials(evidence: Evidence) -> Iterator[Hit]:
    """A key and an identity token at once."""
    text = said(evidence, r"Both WANDB_API_KEY and WANDB_IDENTITY_TOKEN_FILE are set")
    credentials = credentials_of(evidence)
    held = {s.source for s in credentials.sources if s.length} if credentials else set()
    version = job_sdk_version(evidence)
    refuses = version is None or version_key(version) >= (0, 23, 1)
    if text or ({"WANDB_API_KEY", "identity_token"} <= held and refuses and not server_runs(evidence)):
        yield Hit(id="auth-two-credentials", observed=text or ("Both variables are set in the job's environment.",))


RULES: tuple[Rule, ...] = (
    no_key, netrc_host_mismatch, netrc_unreadable, home_missing, malformed_key, long_key_in_old_sdk, rejected_key,
    invalid_base_url, two_credentials, *LOGIN_RULES,
)  # fmt: skip
