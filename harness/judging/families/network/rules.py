"""Rules for the family network: the server is not reached, or answers with trouble, before a run exists."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from harness.evidence.models import Evidence
from harness.judging.advice import is_cloud
from harness.judging.families.network.reach import (
    Failure,
    Kind,
    init_succeeded,
    job_failures,
    main_failure,
    probe_failure,
    shorten,
)
from harness.judging.families.network.upload import RULES as UPLOAD_RULES
from harness.judging.rule import Hit, Rule
from harness.judging.view import find_lines, python_errors

_FAULTS: Mapping[Kind, str] = {
    "dns": "net-dns-failure",
    "refused": "net-connection-refused",
    "timeout": "net-timeout-blackhole",
    "proxy": "net-proxy-auth-407",
    "tls": "net-tls-unknown-ca",
    "ca_file": "net-ca-bundle-missing",
    "server": "net-server-5xx",
    "rate": "net-429-init",
}
_CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def unreachable(evidence: Evidence) -> Iterator[Hit]:
    """wandb.init() did not, or would not, get an answer that helps."""
    failure = main_failure(evidence)
    fault = _FAULTS.get(failure.kind) if failure else None
    if failure is None or fault is None:
        return
    if failure.kind == "tls" and _missing_bundle(evidence):
        fault = "net-ca-bundle-missing"
    if failure.kind == "timeout":
        if not _silent(evidence, failure):
            return
        if _on_lumi_compute_node(evidence) and not probe_failure(evidence):
            fault = "net-lumi-egress-down"
    yield Hit(id=fault, observed=_observed(evidence, failure), values=_values(evidence, failure))


def _silent(evidence: Evidence, failure: Failure) -> bool:
    """Whether a timeout means that no answer came at all; a bare "timed out" with an answered login does not."""
    variables = evidence.setup.place.variables if evidence.setup else {}
    answered = bool(evidence.job and evidence.job.output.logins)
    hushed = "WANDB_SILENT" in variables  # then no line would tell of an answered login
    unread = evidence.job is not None and not evidence.local.runs and probe_failure(evidence) is None
    # From 0.28.2 on the same text stands for a name that does not resolve: without the SDK's logs it cannot be told.
    ambiguous = unread and "giving up after" in failure.words and "i/o timeout" not in failure.words
    return not answered and not hushed and not ambiguous


def _on_lumi_compute_node(evidence: Evidence) -> bool:
    if evidence.job is None:
        return False
    hosts = [r.host or "" for r in evidence.job.output.ranks]
    nodes = evidence.job.slurm.nodes if evidence.job.slurm else ()
    cloud = evidence.setup is None or is_cloud(evidence.setup.network.base_url)
    return cloud and any(name.startswith("nid") for name in (*hosts, *nodes))


def _missing_bundle(evidence: Evidence) -> bool:
    """Whether the file that wandb-core would read is not there; REQUESTS_CA_BUNDLE is the Python client's alone."""
    if evidence.setup is None or not evidence.setup.network.ca_bundle_missing:
        return False
    variables = evidence.setup.place.variables
    named = variables.get("SSL_CERT_FILE")
    return named == evidence.setup.network.ca_bundle or not any(v in variables for v in _CA_VARIABLES)


def _observed(evidence: Evidence, failure: Failure) -> tuple[str, ...]:
    job = job_failures(evidence)
    lines = [shorten(f.words) for f in job[:2]] or [shorten(failure.words)]
    if failure.status and str(failure.status) not in lines[0]:
        lines[0] = f"HTTP {failure.status}: {lines[0]}"
    if job and probe_failure(evidence) is None and evidence.setup and evidence.setup.network.steps:
        base_url = evidence.setup.network.base_url
        asked = failure.url
        other = asked is not None and urlsplit(asked).netloc != urlsplit(base_url).netloc
        lines.append(
            f"The job asked {asked}; the settings here say {base_url}." if other
            else f"{base_url} answered the harness before the job started."
        )  # fmt: skip
    return tuple(dict.fromkeys(lines))


def _values(evidence: Evidence, failure: Failure) -> dict[str, str]:
    network = evidence.setup.network if evidence.setup else None
    base_url = failure.url or (network.base_url if network else "https://api.wandb.ai")
    variables = evidence.setup.place.variables if evidence.setup else {}
    bundle = (network.ca_bundle if network else None) or "the certificate file"
    variable = next((v for v in _CA_VARIABLES if variables.get(v) == bundle), "SSL_CERT_FILE")
    return {
        "base_url": base_url,
        "host": urlsplit(base_url).netloc,
        "peer": failure.peer or urlsplit(base_url).netloc,
        "status": f"HTTP {failure.status}" if failure.status else "an error",
        "proxy_set": "yes" if network and network.proxies else "",
        "proxy": ", ".join(network.proxies) if network and network.proxies else "that the environment names",
        "ca_bundle": bundle,
        "ca_variable": variable,
    }


def misreported_as_auth(evidence: Evidence) -> Iterator[Hit]:
    """An authentication error of the SDK whose own words speak of the network."""
    pattern = r"Failed to verify credentials with \S+: (?!user is not logged in|relogin required)"
    raised = [f"{e.exception}: {e.message}" for e in python_errors(evidence, "AuthenticationError", pattern)]
    if raised and not init_succeeded(evidence):
        yield Hit(id="net-api-misreported-as-auth", observed=tuple(map(shorten, raised[:2])), values=_run(evidence))
        return
    trouble = evidence.server.trouble
    if trouble and "Failed to verify credentials" in trouble.text and "not logged in" not in trouble.text:
        yield Hit(id="net-api-misreported-as-auth", observed=(shorten(trouble.text),), values=_run(evidence))


def _run(evidence: Evidence) -> dict[str, str]:
    links = evidence.job.output.links if evidence.job else ()
    known = [f"{ln.entity}/{ln.project}/{ln.run_id}" for ln in links]
    return {"run_path": evidence.request.run_path or (known[0] if known else "ENTITY/PROJECT/RUN_ID")}


def retried(evidence: Evidence) -> Iterator[Hit]:
    """The SDK says that it retries, and got through."""
    lines = find_lines(evidence, r"wandb: .*retrying: (Post|Get|HTTP) ")
    if lines and init_succeeded(evidence):
        yield Hit(id="net-retry-inner-status", observed=lines)


RULES: tuple[Rule, ...] = (unreachable, misreported_as_auth, retried, *UPLOAD_RULES)
