"""Rules for the family mode and sync, first part: what made the job stay offline or silent (for uploads see `sync`)."""

import shlex
from collections.abc import Iterator

from harness.evidence.models import Evidence, ModeSource
from harness.judging.advice import job_sdk_version
from harness.judging.catalogue import version_key
from harness.judging.families.mode_and_sync.sync import RULES as SYNC_RULES
from harness.judging.rule import Hit, Rule
from harness.judging.view import NO_WORD, job_ran, made_no_run, names_no_wandb, said, script_note, server_runs, silent

OFFLINE_SAID = r"W&B syncing is set to `offline`|You can sync this run to the cloud by running"
INVALID_SAID = r"Input should be 'online', 'offline'|Settings field `mode`: "
LAST_DISABLING_ALL = (0, 19, 1)
"""The last SDK in which one disabled run disabled every later one of its process (CHANGELOG 0.19.2)."""
ONLINE = ("online", "run", "shared")
OFFLINE = ("offline", "dryrun")
KNOWN = (*ONLINE, *OFFLINE, "disabled")
INSIDE = "the environment that Python (sitecustomize) or its container makes of the job's"
FILES = ("workspace_settings", "system_settings")
SEARCH = (
    "grep -rnE --include='*.py' --include='*.sh' --include='.env*' --include='*.y*ml' --include='*.json'"
    " 'WANDB_MODE|mode.? *[=:]' ."
)


def online_was_asked(evidence: Evidence) -> bool:
    """Whether the run was meant to be online while it ran; a run on the server shows that it was."""
    request = evidence.request
    here = request.source in ("job", "job_log") and not request.offline
    return here and not server_runs(evidence)


def deciding(evidence: Evidence) -> ModeSource | None:
    """The source that sets the mode, where a job was asked for."""
    return evidence.setup.mode.winning if evidence.setup else None


def mode_values(source: ModeSource | None) -> dict[str, str]:
    """Say where the mode is set and how to set it right, for the advice."""
    if source is None:
        return {
            "mode_place": "the job script or its environment",
            "mode_value": "this",
            "mode_look": f"Look for WANDB_MODE and mode= in the job script and in what it reads:\n  {SEARCH}",
        }
    known = {"mode_value": repr(source.value), "mode_source": source.source}
    if source.source == "environment":
        look = "Find where the variable is set:\n  grep -ns WANDB_MODE ~/.bashrc ~/.profile *.sh *.sbatch"
        return known | {"mode_place": f"WANDB_MODE={source.value}", "mode_look": look}
    if source.source == "script":
        look = f"Look where it is set:\n  grep -nE 'WANDB_MODE|mode *=' {shlex.quote(str(source.path))}"
        return known | {"mode_place": f"{source.path}", "mode_look": look}
    if source.source == "interpreter":
        look = (
            "See where Python or its container sets it:\n"
            "  env | grep -E '^(SINGULARITYENV|APPTAINERENV)_WANDB_MODE'; "
            "python -c 'import sitecustomize; print(sitecustomize.__file__)'"
        )
        return known | {"mode_place": INSIDE, "mode_look": look}
    # `wandb online` would write the workspace's file only, and into WANDB_DIR where that is set.
    return known | {"mode_place": f"{source.path}", "mode_source": "file", "mode_file": str(source.path)}


def _observed(evidence: Evidence, source: ModeSource | None) -> tuple[str, ...]:
    lines = list(said(evidence, OFFLINE_SAID, limit=1))
    lines += [f"Only on disk: {run.path}" for run in evidence.local.runs[:1] if run.offline]
    if source:
        where = {
            "environment": "WANDB_MODE in the environment",
            "script": f"the script {source.path}",
            "interpreter": INSIDE,
        }
        lines.append(f"mode {source.value!r} comes from {where.get(source.source, str(source.path))}")
    elif evidence.setup is None:
        lines.append("To see what set it: echo $WANDB_MODE; cat wandb/settings; grep -n mode= the script.")
    else:
        lines.append("Neither WANDB_MODE nor a settings file sets it here, so the job itself did.")
    return tuple(lines)


def offline(evidence: Evidence) -> Iterator[Hit]:
    """The job ran offline, or would, though online was asked for."""
    if not online_was_asked(evidence):
        return
    source = deciding(evidence)
    ran_offline = bool(said(evidence, OFFLINE_SAID)) or any(run.offline for run in evidence.local.runs)
    if source and source.value in OFFLINE:
        # A script that may decide otherwise has the last word once it ran.
        if job_ran(evidence) and evidence.setup and evidence.setup.mode.script_decides and not ran_offline:
            return
    elif not ran_offline:
        return
    else:
        source = None
    values = mode_values(source)
    observed = _observed(evidence, source)
    if source and source.value == "dryrun":
        yield Hit(id="mode-dryrun-legacy", observed=observed, values=values, severity="error")
    elif source and source.source in FILES:
        yield Hit(id="mode-settings-file-offline", observed=observed, values=values)
    else:
        yield Hit(id="mode-env-offline", observed=observed, values=values)


def disabled(evidence: Evidence) -> Iterator[Hit]:
    """Every wandb call did nothing, because the mode is disabled."""
    if not online_was_asked(evidence) or evidence.local.runs or evidence.setup is None:
        return
    source, mode = deciding(evidence), evidence.setup.mode
    if source and source.value == "disabled":
        ran = (NO_WORD,) if silent(evidence) else ()
        yield Hit(id="mode-disabled-silent", observed=(*_observed(evidence, source), *ran), values=mode_values(source))
    elif mode.script_decides and "disabled" in mode.script_words and silent(evidence):
        if "WANDB_SILENT" in evidence.setup.place.variables or script_note(evidence, "init_never_reached"):
            return  # then the silence says nothing of the mode
        if hit := _by_an_earlier_run(evidence):
            yield hit
            return
        observed = (
            NO_WORD,
            "The script sets a mode itself, and contains the word 'disabled'; in that mode it looks exactly like this.",
        )
        values = mode_values(None) | {"mode_place": "the script"}
        yield Hit(id="mode-disabled-silent", observed=observed, values=values)


def _by_an_earlier_run(evidence: Evidence) -> Hit | None:
    """A run in mode disabled before others in the same process, with an SDK that then disabled all of them."""
    version, note = job_sdk_version(evidence), script_note(evidence, "disabled_beside_others")
    if note is None or not version or version_key(version) > LAST_DISABLING_ALL:
        return None
    observed = f"wandb {version} runs {evidence.request.job_path}, and line {note.line} is: {note.text}"
    return Hit(id="ver-mode-disabled-scope", observed=(observed,), severity="error")


def invalid(evidence: Evidence) -> Iterator[Hit]:
    """The mode is a word that the SDK does not know; in a settings file it would be ignored."""
    source = deciding(evidence)
    text = said(evidence, INVALID_SAID)
    unknown = source is not None and source.value not in KNOWN and source.source in ("environment", "script")
    if not text and (not unknown or server_runs(evidence) or not online_was_asked(evidence)):
        return
    source = source if unknown else None
    yield Hit(id="mode-invalid-value", observed=(*text, *_observed(evidence, source)), values=mode_values(source))


def wandb_disabled_variable(evidence: Evidence) -> Iterator[Hit]:
    """WANDB_DISABLED is set: harmless, unless it made the Hugging Face Trainer leave W&B out."""
    if evidence.setup is None:
        return
    value = evidence.setup.place.variables.get("WANDB_DISABLED")
    if value is None:
        return
    observed = f"WANDB_DISABLED={value}"
    explained = script_note(evidence, "init_never_reached") or names_no_wandb(evidence)
    unexplained = silent(evidence) and not explained
    if unexplained and evidence.setup.mode.winning.value in ONLINE and not evidence.setup.mode.script_decides:
        yield Hit(
            id="mode-wandb-disabled-ineffective",
            observed=(
                observed,
                "The job ended well without a run or a line of the SDK, as with the Hugging Face Trainer.",
            ),
            severity="error",
        )
    else:
        yield Hit(id="mode-wandb-disabled-ineffective", observed=(observed,))


def silenced(evidence: Evidence) -> Iterator[Hit]:
    """No message of the SDK, but a run."""
    variables = evidence.setup.place.variables if evidence.setup else {}
    if variables.get("WANDB_SILENT", "").lower() in ("true", "1", "yes", "on", "t", "y") and not made_no_run(evidence):
        yield Hit(id="mode-silent", observed=(f"WANDB_SILENT={variables['WANDB_SILENT']}, and the run is there.",))


RULES: tuple[Rule, ...] = (offline, disabled, invalid, wandb_disabled_variable, silenced, *SYNC_RULES)
