"""Gathers evidence of what already ran: a run on the server, run directories on disk, job output."""

import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from harness.evidence.disk.log_writers import touched_at
from harness.evidence.disk.newest_job import read_folder
from harness.evidence.models import Evidence, LocalReading, Request, RunLink, ServerReading, Trouble
from harness.evidence.network.address import base_url_problem
from harness.evidence.network.route import host_and_port, proxy_for
from harness.evidence.network.steps import connect, resolve
from harness.evidence.output.ending import job_of
from harness.evidence.output.reader import read_output
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.server.find import read_one
from harness.evidence.server.reader import Reader, Readers
from harness.evidence.setup.credentials import api_key_in_use, known_secrets
from harness.evidence.setup.job_settings import JobSettings
from harness.judging.advice import is_cloud
from harness.judging.live.of_evidence import life_of
from harness.judging.live.troubles import doubt_s
from harness.judging.metric_roles import likely_first
from harness.settings.model import Settings
from harness.verification.clock import Clock
from harness.verification.server_access import by_its_clock

STEP_S = 5.0
"""Seconds for a name to be resolved, and for a connection to be made."""


def collect_existing(
    settings: Settings, request: Request, own: JobSettings, clock: Clock, readers: Readers | None = None
) -> Evidence:
    """Gather evidence of what already ran; `own` is what W&B is set to here, for the harness's own SDK.

    Of a run that still runs, and gave no sign for longer than it usually does, evidence is gathered twice.
    """
    evidence = _collect(settings, request, own, clock, readers or Reader)
    life = life_of(evidence.model_copy(update={"created_at": time.time()}))
    doubt = doubt_s(life) if life else None
    if doubt is None:
        return evidence
    with clock.phase("waiting for a sign of life"):
        time.sleep(doubt + 1.0)
    return _collect(settings, request, own, clock, readers or Reader)


def _collect(settings: Settings, request: Request, own: JobSettings, clock: Clock, readers: Readers) -> Evidence:
    redactor = Redactor(known_secrets(own))
    job = None
    if settings.job_log:
        with clock.phase("job output"):
            output = read_output(settings.job_log, redactor.text, settings.job_logs)
            written = touched_at(settings.job_logs or [settings.job_log])
            job = job_of(output.model_copy(update={"touched_at": written}))
    local = LocalReading()
    if settings.run_dir:
        with clock.phase("run directories"):
            local = read_folder(settings.run_dir, redactor.text)
    server = ServerReading()
    if settings.run:
        with clock.phase("server"):
            server = _read_run(settings, settings.run, request, job.output.links if job else (), own, readers)
    return Evidence(request=request, job=job, local=local, server=server)


def _read_run(
    settings: Settings,
    path: tuple[str, str, str],
    request: Request,
    links: Sequence[RunLink],
    own: JobSettings,
    readers: Readers,
) -> ServerReading:
    """Read a run; whatever keeps the harness from reading is told in one sentence, and says nothing of the run."""
    base_url = server_of(settings, own)
    key = api_key_in_use(own, base_url)
    if problem := base_url_problem(base_url, own.sdk_version):
        return _unread("other", f"the server's address cannot be used: {problem}", base_url)
    if not key:
        host = urlsplit(base_url).netloc
        return _unread("auth", f"there is no API key for {host} here: set WANDB_API_KEY, or run wandb login", base_url)
    ids = [link.run_id for link in links if (link.entity, link.project) == path[:2]]
    with readers(base_url, key, own.env) as reader:
        order = likely_first if request.expect_auto else None
        reading = read_one(reader, path, request.expect, announced=list(dict.fromkeys(ids)), order=order)
    if reading.status == "failed" and reading.trouble:
        trouble = met_on_the_way(reading.trouble, base_url, own.env)
        clear = trouble.model_copy(update={"text": sentence(trouble, base_url, path)})
        return reading.model_copy(update={"trouble": clear})
    unknown = next((t for t in reading.partial if t.kind == "not_found"), None)
    if unknown and not reading.runs and path[2] not in ids:  # nothing but the question tells of such a run
        return _unread(unknown.kind, sentence(unknown, base_url, path), base_url)
    return by_its_clock(reading, base_url, own.env)


def server_of(settings: Settings, own: JobSettings) -> str:
    """Return the server to read: that of the run's page, else the one that the user's W&B settings name.

    The public cloud has two addresses, and a key may be filed under either: the user's own choice of them is kept.
    """
    named, _ = own.base_url()
    page = settings.run_server
    return named if page is None or (is_cloud(page) and is_cloud(named)) else page


def met_on_the_way(trouble: Trouble, base_url: str, env: Mapping[str, str]) -> Trouble:
    """Say why no answer came: the SDK asks again until its time is over, whatever stands in its way."""
    if trouble.kind != "timeout" or proxy_for(base_url, env):
        return trouble
    host, port = host_and_port(base_url)
    named, addresses = resolve(host, port, STEP_S)
    if named.trouble:
        return named.trouble
    tried, connection = connect(addresses, port, STEP_S)
    if connection:
        connection.close()
    return tried.trouble or trouble


def sentence(trouble: Trouble, base_url: str, path: tuple[str, str, str]) -> str:
    """Say in one sentence why the run could not be read; the SDK's own words are long and of every layer."""
    run = "/".join(path)
    words = {
        "dns": f"{base_url} cannot be found from here (its name has no address)",
        "refused": f"nothing answers at {base_url} (connection refused)",
        "timeout": f"{base_url} did not answer in time",
        "tls": f"the certificate of {base_url} is not trusted here",
        "reset": f"{base_url} closed the connection",
        "auth": f"{base_url} refuses the API key that is used here",
        "not_found": f"{base_url} has no run {run}, or the API key that is used here may not read it",
        "permission": f"the API key that is used here may not read {path[0]}/{path[1]}",
    }
    return words.get(trouble.kind) or f"{base_url} could not be read: {trouble.text.partition(' <- ')[0][:200]}"


def _unread(kind: str, text: str, base_url: str) -> ServerReading:
    return ServerReading(status="failed", trouble=Trouble(kind=kind, text=text, where=base_url))
