"""Tries the way to the W&B server step by step, as the SDK of the job would take it, and types what fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.evidence.models.base import Trouble
from harness.evidence.models.setup import Network, ProbeStep, Viewer
from harness.evidence.network.access import (
    ENTITY_QUERY,
    PROJECT_QUERY,
    VIEWER_QUERY,
    access_of,
    server_version,
    viewer_of,
)
from harness.evidence.network.address import base_url_problem
from harness.evidence.network.graphql import Answer, GraphqlClient
from harness.evidence.network.route import Proxy, Trust, extra_headers, host_and_port, proxy_for, trust_for
from harness.evidence.network.steps import StepName, connect, handshake, resolve, step
from harness.evidence.redaction.redactor import clean

PAUSES = (0.1, 0.3, 0.6)
"""Seconds before the second, third and fourth try: a fault that shows three times may still pass."""
LONGEST_PAUSE = 5.0
TOTAL_SECONDS = 20.0
_LONGEST_URL = 300
_CONNECT_SECONDS = 5.0
_LASTING = frozenset({"dns", "tls", "other"})
"""Troubles that trying again within seconds does not mend."""


@dataclass(frozen=True)
class _Probe:
    """What every try needs; the client alone knows the key."""

    base_url: str
    client: GraphqlClient = field(repr=False)
    proxy: Proxy | None
    trust: Trust
    has_key: bool
    timeout: float
    deadline: float

    @property
    def left(self) -> float:
        """Seconds until the probe must end, but for one try never more than its own limit."""
        return min(self.timeout, self.deadline - time.monotonic())


@dataclass(frozen=True)
class _Try:
    """One walk down the steps, as far as it got."""

    steps: tuple[ProbeStep, ...]
    viewer: Viewer | None = None
    answer: Answer | None = None

    @property
    def trouble(self) -> Trouble | None:
        """The trouble of the last step."""
        return self.steps[-1].trouble


@dataclass(frozen=True)
class Way:
    """All that the walk to the server depends on: two equal ways need one walk."""

    base_url: str
    api_key: str | None = field(repr=False)
    entity: str | None
    """Asked for, else the one that the SDK is set to."""
    project: str | None
    proxy: Proxy | None
    check_certificates: bool
    sdk_version: str | None = field(compare=False)


def clock_ahead(base_url: str, env: Mapping[str, str]) -> float | None:
    """Return how many seconds the clock here is ahead of the server's; None where it does not tell."""
    trust = trust_for(env, tls=base_url.lower().startswith("https"))
    client = GraphqlClient(
        base_url, api_key=None, proxy=proxy_for(base_url, env), trust=trust, headers=extra_headers(env)
    )
    try:
        served_at = client.ask(VIEWER_QUERY, {}, _CONNECT_SECONDS).served_at
    finally:
        client.close()
    return None if served_at is None else time.time() - served_at


def unprobed(way: Way) -> Network:
    """What is known of the way without taking it."""
    return Network(
        base_url=clean(way.base_url, _LONGEST_URL),
        base_url_problem=base_url_problem(way.base_url, way.sdk_version),
        entity=way.entity,
        project=way.project,
    )


def probe_network(way: Way, env: Mapping[str, str], *, timeout_s: float = 10) -> Network:
    """Reach the server from here with the certificates of that environment; never raises for a server.

    Takes `TOTAL_SECONDS` at most. Without a key the walk ends at the step `http`.
    """
    known = unprobed(way)
    if known.base_url_problem:
        return known
    base_url, proxy, api_key = way.base_url, way.proxy, way.api_key
    trust = trust_for(env, tls=base_url.lower().startswith("https"), check=way.check_certificates)
    headers = extra_headers(env)
    client = GraphqlClient(base_url, api_key=api_key, proxy=proxy, trust=trust, headers=headers)
    probe = _Probe(base_url, client, proxy, trust, bool(api_key), timeout_s, time.monotonic() + TOTAL_SECONDS)
    try:
        reached = _repeat(lambda: _walk(probe), probe)
        result = known.model_copy(
            update={
                "proxies": (proxy.shown,) if proxy else (),
                "ca_bundle": trust.bundle,
                "ca_bundle_missing": trust.bundle_missing,
                "steps": reached.steps,
                "viewer": reached.viewer,
            }
        )
        return _with_project(result, reached.viewer, probe) if reached.viewer else result
    finally:
        client.close()


def _repeat(walk: Callable[[], _Try], probe: _Probe) -> _Try:
    """Walk again while the trouble may pass and there is time; a timeout is given one second chance."""
    late = 0
    for pause in PAUSES:
        done = walk()
        trouble = done.trouble
        if trouble is None or trouble.kind in _LASTING:
            return done
        late += trouble.kind == "timeout"
        wanted = done.answer.retry_after if done.answer and done.answer.retry_after is not None else pause
        wait = min(max(wanted, pause), LONGEST_PAUSE)
        if late > 1 or wait + 1 > probe.deadline - time.monotonic():
            return done
        time.sleep(wait)
    return walk()


def _walk(probe: _Probe) -> _Try:
    """DNS, TCP and TLS one by one, towards the proxy where there is one, then the request for the key's owner."""
    steps: list[ProbeStep] = []
    for made in _connection_steps(probe):
        steps.append(made)
        if not made.ok:
            return _Try(tuple(steps))
    started = time.monotonic()
    answer = probe.client.ask(VIEWER_QUERY, {}, probe.left)
    trouble = answer.trouble
    if not answer.http_ok:
        name: StepName = "tls" if trouble and trouble.kind == "tls" and probe.proxy else "http"
        return _Try((*steps, step(name, started, trouble)), answer=answer)
    steps.append(step("http", started))
    if not probe.has_key:
        return _Try(tuple(steps), answer=answer)
    found = trouble or viewer_of(answer.data)
    if isinstance(found, Trouble):
        return _Try((*steps, step("viewer", started, found)), answer=answer)
    return _Try((*steps, step("viewer", started)), viewer=found, answer=answer)


def _connection_steps(probe: _Probe) -> list[ProbeStep]:
    host, port = host_and_port(probe.proxy.url if probe.proxy else probe.base_url)
    if probe.proxy and not host:
        trouble = Trouble(kind="proxy", text="not an address of a proxy", where=probe.proxy.variable)
        return [step("dns", time.monotonic(), trouble)]
    named, addresses = resolve(host, port, min(probe.left, _CONNECT_SECONDS))
    if not named.ok:
        return [named]
    connected, raw = connect(addresses, port, min(probe.left, _CONNECT_SECONDS))
    if raw is None:
        return [named, _through_proxy(connected) if probe.proxy else connected]
    with raw:
        if probe.proxy or probe.trust.context is None:
            return [named, connected]
        return [named, connected, handshake(raw, host, probe.trust.context, probe.left)]


def _through_proxy(failed: ProbeStep) -> ProbeStep:
    """A proxy that does not answer is the proxy's trouble, whatever the socket says."""
    trouble = failed.trouble
    if trouble is None:
        return failed
    text = f"the proxy does not answer: {trouble.text}"
    return failed.model_copy(update={"trouble": Trouble(kind="proxy", text=text, where=trouble.where)})


def _with_project(known: Network, viewer: Viewer, probe: _Probe) -> Network:
    """The access to the project: the entity asked for, else the viewer's own."""
    entity = known.entity or viewer.entity
    if not entity:
        return known
    variables = {"entity": entity} | ({"project": known.project} if known.project else {})
    query = PROJECT_QUERY if known.project else ENTITY_QUERY

    def ask() -> _Try:
        started = time.monotonic()
        answer = probe.client.ask(query, variables, probe.left)
        return _Try((step("project", started, answer.trouble),), answer=answer)

    asked = _repeat(ask, probe)
    answer = asked.answer or Answer(http_ok=False)
    access = access_of(viewer, entity, answer)
    # A server that does not know a field has still told enough when membership decides.
    told = access in {"writable", "read_only"}
    last = asked.steps[0].model_copy(update={"ok": True, "trouble": None}) if told else asked.steps[0]
    return known.model_copy(
        update={
            "entity": entity,
            "steps": (*known.steps, last),
            "project_access": access,
            "server_version": server_version(answer.data),
        }
    )
