"""Everything that can be known before a job runs: the job's Python is asked while the server is tried."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from harness.evidence.models.setup import Network, SdkSettings, Setup
from harness.evidence.network.address import split_url
from harness.evidence.network.background import Background
from harness.evidence.network.probe import Way, probe_network, unprobed
from harness.evidence.network.route import proxy_for
from harness.evidence.redaction.redactor import Redactor
from harness.evidence.setup.credentials import api_key_in_use, collect_credentials, known_secrets
from harness.evidence.setup.interpreter import Asked
from harness.evidence.setup.job_settings import JobSettings
from harness.evidence.setup.mode import collect_mode, script_mentions_key
from harness.evidence.setup.script.look import script_look
from harness.evidence.setup.script.names import script_key_line, script_names
from harness.evidence.setup.script.notes import script_notes
from harness.evidence.setup.script.text import script_source
from harness.evidence.setup.sdk_variables import unread_variables
from harness.evidence.setup.surroundings import collect_place


def collect_setup(
    settings: JobSettings,
    asked: Background[Asked],
    *,
    script: Path | None,
    probe_server: bool = True,
    entity: str | None = None,
    project: str | None = None,
) -> Setup:
    """Try the server by what was read here, and again if the SDK then says that it takes another way.

    `asked` is the job's Python, which is being asked already. Until it answers, the SDK is taken for the harness's own.
    """

    def way(known: JobSettings) -> Way:
        return way_of(known, entity=entity, project=project)

    def going(by: Way) -> Background[Network]:
        return Background(lambda: probe_network(by, settings.env) if probe_server else unprobed(by))

    guessed = way(settings.corrected(SdkSettings(), version("wandb")))
    network = going(guessed)
    redactor = Redactor(known_secrets(settings))
    names, notes = script_names(script), script_notes(script, redactor)
    sets_key, key_line = script_mentions_key(script), script_key_line(script)
    answer = asked.result()
    told = settings.corrected(answer.sdk, answer.version)
    right = way(told)
    if right != guessed:
        network = going(right)
    _, source = told.base_url()
    place, credentials, mode = collect_place(told, redactor), collect_credentials(told), collect_mode(told, script)
    return Setup(
        credentials=credentials,
        mode=mode,
        network=network.result().model_copy(update={"base_url_source": source}),
        python=answer.python,
        sdk=answer.sdk,
        place=place,
        script_sets_key=sets_key,
        script_key_line=key_line,
        script_names=names,
        script_notes=notes,
        script=script_look(script),
        source=script_source(script, Path(place.cwd), redactor) if script else None,
        unread_variables=unread_variables(settings.env, script, answer.python) if answer.python else (),
    )


def way_of(settings: JobSettings, *, entity: str | None = None, project: str | None = None) -> Way:
    """The way that the SDK's traffic takes with these settings; an entity or project that is asked for comes first."""
    base_url, _ = settings.base_url()
    own_proxy = settings.get(f"{split_url(base_url).scheme}_proxy")
    return Way(
        base_url=base_url,
        api_key=api_key_in_use(settings),
        entity=entity or settings.get("entity") or None,
        project=project or settings.get("project") or None,
        proxy=proxy_for(base_url, settings.env, own_proxy),
        check_certificates=not settings.flag("insecure_disable_ssl"),
        sdk_version=settings.sdk_version,
    )
