"""The rules about versions: each fires on its own evidence and is silent on its nearest neighbour."""

import pytest

from harness.evidence.models import JobPython, ScriptNote
from harness.judging.families.versions import rules as versions
from harness.judging.findings import diagnose
from tests.judging import build as b

SETTINGS_ERROR = (
    "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings",
    "bad_name",
    "  Extra inputs are not permitted [type=extra_forbidden, input_value=1, input_type=int]",
)
API_FRAMES = ('File "/venv/site-packages/wandb/apis/public/api.py", line 10, in run',)
OWN_SERVER = b.setup(network=b.network(base_url="https://wandb.example.org"))


def sdk(version):
    return b.evidence(local=b.local(b.local_run(log=b.log(sdk_version=version))))


def died(*texts, errors=(), **change):
    """A job that died without a run."""
    job = b.job(ending="failed", output=b.output(*texts, errors=errors))
    return b.no_run(**{"job": job, **change})


def died_after_training(*errors):
    """A job that made its run and died afterwards."""
    return b.evidence(job=b.job(ending="failed", output=b.output("Traceback", errors=errors)))


def python(version, wandb_version):
    return b.setup(python=JobPython(executable="/usr/bin/python3", python_version=version, wandb_version=wandb_version))


CASES = {
    "the yanked version": (sdk("0.26.0"), "ver-sdk-yanked-0260"),
    "core is the default": (
        b.evidence(job=b.job("wandb: WARNING `wandb.require('core')` is redundant as it is now the default behavior.")),
        "ver-legacy-service-removed",
    ),
    "legacy service is gone": (
        died("wandb.errors.errors.UnsupportedError: require() unsupported requirement: legacy-service"),
        "ver-legacy-service-removed",
    ),
    "an unknown setting": (
        died(
            *SETTINGS_ERROR,
            errors=(b.error("pydantic_core._pydantic_core.ValidationError", "1 validation error for Settings"),),
        ),
        "ver-setting-names",
    ),
    "an unknown setting, old SDK": (
        died(errors=(b.error("TypeError", "Settings.__init__() got an unexpected keyword argument 'x_stats'"),)),
        "ver-setting-names",
    ),
    "pip finds no new enough wandb": (
        died(
            "ERROR: Could not find a version that satisfies the requirement wandb>=0.19 (from versions: 0.0.1, 0.1.0)"
        ),
        "ver-python-too-old",
    ),
    "pip says what it left out": (
        died(
            "ERROR: Ignored the following versions that require a different python version: 0.19.0 …",
            "ERROR: No matching distribution found for wandb",
        ),
        "ver-python-too-old",
    ),
    "pip finds no wandb for an old Python": (
        died("ERROR: No matching distribution found for wandb", setup=python("3.6.15", None)),
        "ver-python-too-old",
    ),
    "an offline folder": (b.evidence(local=b.local(b.local_run(offline=True))), "ver-offline-files-differ"),
    "a banner of old": (b.evidence(job=b.job("wandb: Using wandb-core as the SDK backend.")), "ver-core-banner"),
    "a script that reads runs back": (
        b.evidence(setup=b.setup(script_notes=(ScriptNote(kind="reads_runs", line=7, text="api = wandb.Api()"),))),
        "ver-api-creates-dirs",
    ),
    "an unknown setting, old SDK, told by where it was refused": (
        died(
            errors=(
                b.error(
                    "TypeError",
                    "__init__() got an unexpected keyword argument 'x_stats'",
                    frames=('File "/venv/site-packages/wandb/sdk/wandb_settings.py", line 9, in update',),
                ),
            )
        ),
        "ver-setting-names",
    ),
    "the login node's Python": (b.not_started(setup=python("3.6.15", None)), "ver-python-too-old"),
    "the login node's Python with an ancient wandb": (b.no_run(setup=python("3.6.15", "0.10.3")), "ver-python-too-old"),
    "an old server": (
        died(
            "wandb.errors.errors.UnsupportedError: Filtering is not supported on this wandb server version.",
            setup=OWN_SERVER,
        ),
        "ver-server-too-old",
    ),
    "an old server and 0.27.1": (
        died(
            "WandbApiFailedError: relogin required",
            "wandb version 0.27.1",
            setup=OWN_SERVER.model_copy(update={"python": JobPython(executable="python", wandb_version="0.27.1")}),
        ),
        "ver-server-too-old",
    ),
    "reading back died": (
        died_after_training(
            b.error("wandb.sdk.lib.service.service_connection.WandbApiFailedError", "404", frames=API_FRAMES)
        ),
        "ver-api-exceptions-changed",
    ),
    "reading back found no run": (
        died_after_training(b.error("wandb.errors.errors.CommError", "Could not find run <Run me/p/zzz (not found)>")),
        "ver-api-exceptions-changed",
    ),
}


@pytest.mark.parametrize(("evidence", "fault"), CASES.values(), ids=CASES)
def test_only_the_fault_is_said(evidence, fault):
    assert [f.id for f in diagnose(evidence, versions.RULES)] == [fault]


SILENT = {
    "healthy": b.evidence(),
    "another version": sdk("0.26.1"),
    "an offline folder with all files": b.evidence(
        local=b.local(b.local_run(offline=True, files=("wandb-metadata.json",)))
    ),
    "a newer banner": b.evidence(job=b.job("wandb: setting up run abc (0.1s)")),
    "pip does not get to its index": died(
        "ERROR: Could not find a version that satisfies the requirement wandb (from versions: none)",
        "ERROR: No matching distribution found for wandb",
        setup=python("3.11.7", None),
    ),
    "another validation error": died("1 validation error for Settings", "mode", "Input should be 'online'"),
    "extra inputs of someone else's model": died(
        "1 validation error for TrainConfig", "Extra inputs are not permitted"
    ),
    "wrong argument of someone else's function": died(
        errors=(b.error("TypeError", "f() got an unexpected keyword argument 'x'", frames=('File "train.py"',)),)
    ),
    "the oldest Python that will do": b.no_run(setup=python("3.8.18", None)),
    "an old Python with the oldest wandb that may do": b.no_run(setup=python("3.7.9", "0.13.0")),
    "the cloud speaks of its version": died("Filtering is not supported on this wandb server version."),
    "the same exception in the training's own calls": died_after_training(
        b.error("wandb.sdk.lib.service.service_connection.WandbApiFailedError", "404", frames=('File "train.py"',))
    ),
    "an old Python with a wandb that fits": b.evidence(setup=python("3.7.9", "0.16.6")),
    "pip complains, the run is there": b.evidence(
        job=b.job("Could not find a version that satisfies the requirement wandb")
    ),
    "relogin at the cloud": died("WandbApiFailedError: relogin required"),
    "relogin, another version": died("relogin required", setup=OWN_SERVER),
    "init failed with the newer exception": died(
        errors=(b.error("wandb.sdk.lib.service.service_connection.WandbApiFailedError", "404", frames=API_FRAMES),)
    ),
    "an error of the training": died_after_training(b.error("ValueError", "Could not find a checkpoint")),
}


@pytest.mark.parametrize("evidence", SILENT.values(), ids=SILENT)
def test_silent(evidence):
    assert diagnose(evidence, versions.RULES) == ()


def test_a_refused_engine_is_an_error_only_where_the_job_died_of_it():
    text = "wandb.errors.errors.UnsupportedError: require() unsupported requirement: legacy-service"
    severities = [
        diagnose(evidence, versions.RULES)[0].severity for evidence in (died(text), b.evidence(job=b.job(text)))
    ]
    assert severities == ["error", "warning"]


REQUIRE = "wandb.errors.errors.UnsupportedError: require() unsupported requirement: "
PYTHON = "pip: Package 'wandb' requires a different Python: 3.6.15 not in '>=3.8'"
LEFT_OUT = (
    "ERROR: Ignored the following versions that require a different python version: 0.19.0 …",
    "ERROR: No matching distribution found for wandb",
)
VALIDATION = "1 validation error for Settings\nbad_name\n  Extra inputs are not permitted"
CORE = "wandb: WARNING `wandb.require('core')` is redundant as it is now the default behavior."
LEGACY = "wandb: WARNING Using legacy-service, which is deprecated."
READ = {
    "a refused engine": (died(f"{REQUIRE}core"), "wandb.require('core')", f"{REQUIRE}core"),
    "a refused engine without its name": (died(f"x {REQUIRE}"), "a part of old versions", f"x {REQUIRE}"),
    "an engine that is the default": (b.evidence(job=b.job(CORE)), "wandb.require('core')", CORE),
    "an engine that is deprecated": (b.evidence(job=b.job(LEGACY)), "a part of old versions", LEGACY),
    "a setting": (
        died(errors=(b.error("pydantic_core._pydantic_core.ValidationError", VALIDATION),)), "bad_name", VALIDATION,
    ),
    "a setting of an old SDK": (
        died(errors=(b.error("TypeError", "Settings() got an unexpected keyword argument 'x_stats'"),)),
        "x_stats", "TypeError: Settings() got an unexpected keyword argument 'x_stats'",
    ),
    "a Python that pip names": (died(PYTHON), "Python 3.6.15", PYTHON),
    "a Python that is known": (died(*LEFT_OUT, setup=python("3.7.9", None)), "Python 3.7.9", LEFT_OUT[1]),
    "a Python that nobody names": (died(*LEFT_OUT, setup=None), "Python here", LEFT_OUT[1]),
    "a Python without wandb": (
        b.no_run(setup=python("3.6.15", None)), "Python 3.6.15", "/usr/bin/python3 is Python 3.6.15; its wandb: none.",
    ),
    "a Python with an ancient wandb": (
        b.no_run(setup=python("3.6.15", "0.10.3")), "Python 3.6.15",
        "/usr/bin/python3 is Python 3.6.15; its wandb: 0.10.3.",
    ),
    "an offline folder without files": (
        b.evidence(local=b.local(b.local_run(offline=True, path="/w/r"))), "", "/w/r/files holds nothing.",
    ),
    "an offline folder with few files": (
        b.evidence(local=b.local(b.local_run(offline=True, path="/w/r", files=("a.txt", "b.txt")))), "",
        "/w/r/files holds a.txt, b.txt.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("evidence", "title", "seen"), READ.values(), ids=READ)
def test_what_is_named(evidence, title, seen):
    (finding,) = diagnose(evidence, versions.RULES)
    assert title in finding.title
    assert " ".join(seen.split()) in " ".join(" ".join(finding.observed).split())
