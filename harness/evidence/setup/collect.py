"""Everything that can be known before a job runs, gathered in a fraction of a second."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.evidence.models.setup import JobPython, Network, Setup
from harness.evidence.network.background import Background
from harness.evidence.network.probe import base_url_problem, probe_network, resolve_base_url
from harness.evidence.redaction.redactor import Redactor, clean
from harness.evidence.setup.credentials import api_key_in_use, collect_credentials
from harness.evidence.setup.interpreter import collect_job_python
from harness.evidence.setup.mode import collect_mode, script_mentions_key
from harness.evidence.setup.script.look import script_look
from harness.evidence.setup.script.names import script_key_line, script_names
from harness.evidence.setup.script.notes import script_notes
from harness.evidence.setup.sdk_settings import read_sdk_settings
from harness.evidence.setup.sdk_variables import unread_variables
from harness.evidence.setup.surroundings import collect_place


def collect_setup(
    env: Mapping[str, str],
    cwd: Path,
    *,
    script: Path | None,
    python: str,
    probe_server: bool = True,
    entity: str | None = None,
    project: str | None = None,
) -> Setup:
    """Ask the job's Python and the server at the same time, and read the rest meanwhile.

    Some answers depend on the SDK's version (its usual server, how it reads netrc): where the environment leaves them
    open, the server is asked second.
    """
    asked = Background(lambda: collect_job_python(python, cwd, script, env))
    network = Background(
        lambda: _network(env, cwd, asked, probe_server=probe_server, entity=entity, project=project),
    )
    mode = collect_mode(env, cwd, script)
    place = collect_place(env, cwd)
    version = asked.result().wandb_version
    base_url, _ = resolve_base_url(env, cwd, sdk_version=version)
    return Setup(
        credentials=collect_credentials(env, cwd, base_url, sdk_version=version),
        mode=mode,
        network=network.result(),
        python=asked.result(),
        place=place,
        script_sets_key=script_mentions_key(script),
        script_key_line=script_key_line(script),
        script_names=script_names(script),
        script_notes=script_notes(script, Redactor.from_environment(env, cwd)),
        script=script_look(script),
        unread_variables=unread_variables(env, script, asked.result()),
    )


def _network(
    env: Mapping[str, str],
    cwd: Path,
    asked: Background[JobPython],
    *,
    probe_server: bool,
    entity: str | None,
    project: str | None,
) -> Network:
    base_url, source = resolve_base_url(env, cwd)
    version = None
    if source == "default" or not env.get("WANDB_API_KEY"):
        version = asked.result().wandb_version
        base_url, source = resolve_base_url(env, cwd, sdk_version=version)
    settings = read_sdk_settings(env, cwd)
    entity = entity or settings.get("entity") or None
    project = project or settings.get("project") or None
    if not probe_server:
        shown = clean(base_url, 300)
        problem = base_url_problem(base_url, version)
        return Network(base_url=shown, base_url_source=source, base_url_problem=problem, entity=entity, project=project)
    return probe_network(
        base_url,
        source,
        api_key=api_key_in_use(env, cwd, base_url, sdk_version=version),
        env=env,
        entity=entity,
        project=project,
        cwd=cwd,
        sdk_version=version,
    )
