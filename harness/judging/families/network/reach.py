"""What kept requests from being answered, told from the words of Go (wandb-core) and of Python's clients."""

import math
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from harness.evidence.models import Evidence, HttpTrouble, JobOutput, PythonError
from harness.judging.once import once
from harness.judging.view import http_troubles, job_ran, passed_through_sdk, python_errors, said, server_runs

Kind = Literal["ca_file", "proxy", "dns", "tls", "refused", "rate", "server", "reset", "timeout"]

# The order matters: what is retried stands inside the text of the timeout that ended it.
_WORDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("ca_file", re.compile(r"suitable TLS CA certificate bundle")),
    ("proxy", re.compile(r"Proxy Authentication Required|Tunnel connection failed: 407")),
    (
        "dns",
        re.compile(
            r"no such host|NameResolutionError|Name or service not known|server misbehaving"
            r"|[Tt]emporary failure in name resolution|No address associated with hostname"
        ),
    ),
    (
        "tls",
        re.compile(
            r"certificate signed by unknown authority|self[- ]signed certificate|unable to get local issuer"
            r"|unable to get issuer certificate"
        ),
    ),
    ("refused", re.compile(r"[Cc]onnection refused|ConnectionRefusedError")),
    ("rate", re.compile(r"HTTP 429|returned error 429|429 encountered|429 response|429 Client Error")),
    ("server", re.compile(r"HTTP 5\d\d|returned error 5\d\d|5\d\d encountered|5\d\d response|5\d\d Server Error")),
    ("reset", re.compile(r"connection reset by peer|ConnectionResetError|broken pipe|unexpected EOF|: EOF$")),
    (
        "timeout",
        re.compile(
            r"i/o timeout|context deadline exceeded|Client\.Timeout exceeded|ConnectTimeout|ReadTimeout"
            r"|network is unreachable|no route to host|Connection timed out|Max retries exceeded.*timed out"
        ),
    ),
)
_STATUS_KINDS: tuple[tuple[range, Kind], ...] = (
    (range(407, 408), "proxy"), (range(429, 430), "rate"), (range(500, 600), "server"),
)  # fmt: skip
# While wandb.init() runs, these name the trouble; afterwards they may stand in a log without harm.
_INIT_TEXT = (
    r"Timed out while retrying|Timed out initializing run|Run initialization has timed out|Error initializing run"
    r"|failed to upsert bucket|Error uploading run|entering retry loop"
    r"|(429|5\d\d) (encountered(?! \(Filestream)|response executing)"
    r"|TLS CA certificate bundle|Error communicating with wandb process"
)
_TRANSPORT_ERRORS = r"CommError|errors\.Error$|SSLError|ConnectionError|ProxyError|Timeout|OSError|URLError"


class Failure(NamedTuple):
    """One way in which the server was not reached, and the words that say so."""

    kind: Kind
    words: str
    status: int | None = None
    at: str | None = None
    """Name or address that was asked, where it is known beside the words."""

    @property
    def url(self) -> str | None:
        """The server that was asked, where the words name it."""
        match = re.search(r"https?://[^/\s\"']+", self.words)
        return match[0] if match else None

    @property
    def peer(self) -> str | None:
        """The name or address that failed: the proxy's where the proxy was asked."""
        match = re.search(r"lookup ([^\s:]+)|dial tcp ([^\s:]+:\d+)|host='([^']+)'", self.words)
        found = next((g for g in match.groups() if g), None) if match else self.at
        return f"{found} (a proxy)" if found and "proxyconnect" in self.words else found


def classify(words: str, status: int | None = None) -> Failure | None:
    """Tell which trouble these words describe; None where they describe none that is known."""
    if status is not None:
        kind = next((k for codes, k in _STATUS_KINDS if status in codes), None)
        return Failure(kind, words, status) if kind else None
    kind = next((k for k, pattern in _WORDS if pattern.search(words)), None)
    if kind is None:
        return None
    code = re.search(r"\b(429|5\d\d)\b", words) if kind in ("rate", "server") else None
    return Failure(kind, words, int(code[1]) if code else None)


@once
def init_succeeded(evidence: Evidence) -> bool:
    """Whether wandb.init() got through in this job: it announced a run, or left rows or a run on the server."""
    output = evidence.job.output if evidence.job else JobOutput()
    # SDKs up to 0.19 print a link at the end of a failed wandb.init() too, where the entity was given.
    failed: dict[int, int] = {}
    for error in python_errors(evidence, r"^wandb\."):
        file = output.file_of(error.line)
        failed[file] = min(error.line, failed.get(file, error.line))
    announced = any(link.line < failed.get(output.file_of(link.line), math.inf) for link in output.links)
    on_disk = any(r.log.history_rows or r.sdk_logs.init_done for r in evidence.local.runs)
    return announced or bool(server_runs(evidence)) or on_disk


def is_graphql(trouble: HttpTrouble) -> bool:
    """Whether the request was one of those that wandb.init() waits for."""
    return "graphql" in trouble.path or (not trouble.path and "graphql" in trouble.text)


def is_filestream(trouble: HttpTrouble) -> bool:
    """Whether the request carried history, summary or console output."""
    return "file_stream" in trouble.path or (not trouble.path and "file_stream" in trouble.text)


@once
def job_failures(evidence: Evidence) -> tuple[Failure, ...]:
    """What kept wandb.init() from the server in the job that ran, surest evidence first; asked where init failed."""
    logged = [classify(t.text, t.status) for t in http_troubles(evidence) if is_graphql(t)]
    errors = [e for e in python_errors(evidence, _TRANSPORT_ERRORS) if _of_wandb(e)]
    raised = [classify(f"{e.exception}: {e.message}") for e in errors]
    printed = [classify(line) for line in said(evidence, _INIT_TEXT, limit=20)]
    return _surest(f for f in (*logged, *raised, *printed, _unanswered(evidence)) if f)


def _unanswered(evidence: Evidence) -> Failure | None:
    """A timeout of an older SDK whose logs tell of no answer of any kind, not even to the question who logs in."""
    asked = said(evidence, r"W&B API key is configured", limit=1)
    waited = said(evidence, r"Run initialization has timed out", limit=1)
    logged = any(not r.sdk_logs.http and r.sdk_logs.sdk_version for r in evidence.local.runs)
    return Failure("timeout", f"{waited[0]} No request was answered.") if asked and waited and logged else None


def _of_wandb(error: PythonError) -> bool:
    """Whether the SDK raised it, or a client that it uses: another library may have network trouble of its own."""
    named = re.search(r"wandb|graphql", f"{error.exception} {error.message}")
    return bool(named) or passed_through_sdk(error)


def probe_failure(evidence: Evidence) -> Failure | None:
    """What kept the harness's own probe from the server, made from where the job would run.

    Of a server that the script names by itself the probe knows nothing.
    """
    setup = evidence.setup
    network = setup.network if setup and not ("base_url" in setup.script_names and job_ran(evidence)) else None
    step = next((s for s in network.steps if not s.ok), None) if network else None
    if step is None or step.trouble is None or step.trouble.kind == "auth":
        return None
    trouble = step.trouble
    words = f"{trouble.text} ({trouble.where})" if trouble.where else trouble.text
    kinds: dict[str, Kind] = {"dns": "dns", "refused": "refused", "timeout": "timeout"}
    told = classify(words, trouble.http_status)
    kind = told.kind if told else kinds.get(trouble.kind)
    at = trouble.where.removesuffix(":443") or None
    return Failure(kind, words, told.status if told else None, at) if kind else None


def shorten(words: str) -> str:
    """The words on one line of at most 300 characters."""
    line = " ".join(words.split())
    return line if len(line) <= 300 else f"{line[:297]}..."


def _surest(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Bring named causes before bare timeouts, keeping the order otherwise."""
    return tuple(sorted(failures, key=lambda f: f.kind in ("timeout", "reset")))


def main_failure(evidence: Evidence) -> Failure | None:
    """The failure that explains why wandb.init() did not, or would not, get through.

    What the job itself met counts for more than the probe: a script may use another server than the environment says.
    """
    if init_succeeded(evidence):
        return None
    return next(iter(job_failures(evidence)), None) or probe_failure(evidence)
