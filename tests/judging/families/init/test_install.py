"""Rules of the family init that look at the installation: the package, its service, its folder, the disk."""

from __future__ import annotations

import pytest

from harness.evidence.models import Job, JobPython, LogLine, Place
from harness.judging.families.init import rules as init
from harness.judging.findings import diagnose
from harness.judging.judge import judge
from harness.judging.symptoms.run import BEFORE_A_JOB
from tests.judging.build import (
    error,
    evidence,
    hits,
    job,
    local,
    local_run,
    no_run,
    not_started,
    output,
    run_with_http,
    setup,
)  # fmt: skip
from tests.judging.endings import WANDB_FRAME, died


def python(kind: str, location: str | None = None) -> JobPython:
    return JobPython(executable="/usr/bin/python3", wandb_kind=kind, wandb_location=location)  # type: ignore[arg-type]  # word


HIDDEN = died("module 'wandb' has no attribute 'init'", "AttributeError")


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("namespace_folder", "init-shadowed-by-folder"),
        ("missing", "init-shadowed-by-folder"),
        ("unknown", "init-shadowed-by-folder"),
        ("file", "init-shadowed-by-file"),
        ("package", "init-shadowed-by-folder"),
    ],
)
def test_what_stands_for_the_package_decides_folder_or_file(kind, fault):
    found = HIDDEN.model_copy(update={"setup": setup(python=python(kind, "/scratch/me/wandb"))})
    hit = hits(init.RULES, found)
    assert set(hit) == {fault}
    assert hit[fault].observed[0] == "AttributeError: module 'wandb' has no attribute 'init'"
    assert (kind in ("unknown", "missing")) == ("print(wandb.__file__)" in " ".join(hit[fault].observed))


@pytest.mark.parametrize(
    ("probed", "named"),
    [
        (python("namespace_folder", "/scratch/me/wandb"), "/scratch/me/wandb"),
        (python("package", "/opt/venv/wandb"), "./wandb"),
        (python("namespace_folder"), "./wandb"),
        (None, "./wandb"),
    ],
    ids=["as it was found", "another Python has the package", "its place is not known", "no Python was probed"],
)
def test_the_folder_that_stands_for_the_package_is_named(probed, named):
    (finding,) = diagnose(HIDDEN.model_copy(update={"setup": setup(python=probed)}), init.RULES)
    assert finding.title == f"wandb is not installed here; Python imported the folder {named} instead"


def test_import_that_the_script_forgives_still_leaves_no_run():
    found = no_run(job=Job(ending="completed", exit_code=0, started_at=1.0), setup=setup(python=python("missing")))
    assert set(hits(init.RULES, found)) == {"init-not-installed"}


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("file", "init-shadowed-by-file"),
        ("namespace_folder", "init-shadowed-by-folder"),
        ("missing", "init-not-installed"),
        ("package", None),
        ("unknown", None),
    ],
)
def test_what_no_run_can_come_of_is_known_before_the_job(kind, fault):
    found = not_started(setup=setup(python=python(kind, "/w/wandb.py")))
    assert set(hits(init.RULES, found)) == ({fault} if fault else set())
    waiting = found.model_copy(update={"job": None})
    (answer,) = judge(waiting, checks=[BEFORE_A_JOB]).checks
    assert answer.outcome == ("failed" if fault else "not_applicable")
    own = waiting.request.model_copy(update={"job_kind": "batch"})  # it may use another Python
    assert judge(waiting.model_copy(update={"request": own}), checks=[BEFORE_A_JOB]).verdict != "failed"


def test_a_package_without_its_program_is_known_before_the_job():
    without = python("package", "/w/wandb").model_copy(update={"core_binary": "missing"})
    assert set(hits(init.RULES, not_started(setup=setup(python=without)))) == {"init-core-missing"}


def test_folder_that_was_replaced_by_a_temporary_one_is_a_warning():
    texts = (
        "wandb: WARNING Unable to create root directory /proc/nope",
        "wandb: WARNING Falling back to temporary directory /tmp.",
    )
    found = evidence(job=job(*texts), local=local(local_run(path="/tmp/wandb/run-1-a")))
    hit = hits(init.RULES, found)["init-dir-not-writable"]
    assert hit.severity == "warning"
    assert hit.values["folder"] == "/proc/nope"
    silent = evidence(
        local=local(local_run(path="/tmp/wandb/run-1-a")),
        setup=setup(place=Place(wandb_dir="/proc/nope", wandb_dir_writable=False)),
    )
    assert hits(init.RULES, silent)["init-dir-not-writable"].severity == "warning"


def test_full_disk_in_the_sdks_own_log():
    line = LogLine(file="debug-internal.log", text="writer: write /x/a.wandb: no space left on device")
    hit = hits(init.RULES, evidence(local=local(run_with_http(rows=3, lines=(line,)))))["init-disk-quota"]
    assert hit.values["where"] == " (/x/a.wandb)"


def test_a_stale_service_is_shown_with_the_variable_that_names_it():
    place = Place(variables={"WANDB_SERVICE": "2-1-tcp-localhost-4"})
    told = died("Failed to parse WANDB_SERVICE='2-1-tcp-localhost-4'", "ValueError")
    named = hits(init.RULES, told.model_copy(update={"setup": setup(place=place)}))["init-stale-wandb-service"]
    assert named.observed[-1] == "WANDB_SERVICE=2-1-tcp-localhost-4 is in the environment."
    bare = hits(init.RULES, told)["init-stale-wandb-service"]
    assert not any("in the environment" in line for line in bare.observed)


MINE = 'File "/scratch/me/wandb-demo/train.py", line 10, in <module>'
AGENT = 'File "/opt/venv/lib/python3.12/site-packages/wandb/agents/pyagent.py", line 1, in _run_job'
INSTALLED_BESIDE = 'File "/project/me/pkgs/wandb/sdk/wandb_init.py", line 1, in init'
EXISTS = ("FileExistsError", "[Errno 17] File exists: 'checkpoints'")


@pytest.mark.parametrize(
    ("raised", "frames", "faults"),
    [
        (EXISTS, (MINE,), set()),
        (EXISTS, (AGENT, MINE), set()),
        (EXISTS, (MINE, WANDB_FRAME), {"init-dir-not-writable"}),
        (EXISTS, (MINE, INSTALLED_BESIDE), {"init-dir-not-writable"}),
        (("PermissionError", "[Errno 13] Permission denied: '/x/wandb/run-1-a'"), (MINE,), {"init-dir-not-writable"}),
        (("PermissionError", "[Errno 13] Permission denied: '/x/wandb/checkpoints'"), (MINE,), set()),
        (("BrokenPipeError", "[Errno 32] Broken pipe"), (MINE,), set()),
        (("ConnectionRefusedError", "[Errno 111] Connection refused"), (MINE,), set()),
        (("ImportError", "cannot import name 'AfterValidator' from 'pydantic'"), (MINE,), set()),
    ],
)
def test_an_error_of_the_users_own_code_in_a_folder_named_after_wandb_is_none_of_the_sdk(raised, frames, faults):
    out = output(errors=(error(*raised, frames=frames, line=90),))
    place = Place(variables={"WANDB_SERVICE": "3-1-unix-/tmp/x"})
    found = died("", job=Job(ending="failed", exit_code=1, output=out), setup=setup(place=place))
    assert {f.id for f in diagnose(found, init.RULES)} == faults


OWN = ('File "/scratch/me/train.py", line 1, in <module>', 'File "/scratch/me/wandb.py", line 3, in <module>')
CIRCULAR = "partially initialized module 'wandb' has no attribute 'login'"


@pytest.mark.parametrize(
    ("frames", "probed", "file"),
    [
        (OWN, None, "/scratch/me/wandb.py"),
        ((*OWN[:1], 'File "/my/wandb/__init__.py", line 3, in <module>'), None, "/my/wandb/__init__.py"),
        ((WANDB_FRAME, *OWN), None, "/scratch/me/wandb.py"),
        ((WANDB_FRAME,), None, "wandb.py beside your script"),
        (OWN[:1], python("file", "/scratch/me/lib/wandb.py"), "/scratch/me/lib/wandb.py"),
        (OWN, python("package", "/opt/venv/wandb"), "/scratch/me/wandb.py"),
    ],
    ids=["in the traceback", "a package", "behind the SDK's own", "not in the traceback", "by the probe",
         "another Python was probed"],
)  # fmt: skip
def test_the_file_that_hides_the_package_is_named(frames, probed, file):
    raised = output("x", errors=(error("AttributeError", CIRCULAR, frames=frames),))
    found = no_run(job=Job(ending="failed", exit_code=1, output=raised), setup=setup(python=probed))
    (finding,) = diagnose(found, init.RULES)
    assert finding.title == f"A file of yours hides the wandb package: {file}"


def test_a_job_that_ran_without_the_package_was_submitted():
    found = hits(init.RULES, died("No module named 'wandb'", "ModuleNotFoundError"))
    assert found["init-not-installed"].fails is None


@pytest.mark.parametrize(
    ("probed", "versions"),
    [
        (None, ""),
        (JobPython(executable="python", wandb_version="0.19.5", wandb_kind="package"), ""),
        (
            JobPython(executable="python", wandb_version="0.19.5", packages={"protobuf": "6.30.0", "pydantic": "1.10"}),
            " (wandb 0.19.5, protobuf 6.30.0)",
        ),
        (JobPython(executable="python", packages={"protobuf": "6.30.0"}), " (wandb ?, protobuf 6.30.0)"),
    ],
    ids=["no Python was probed", "without the package", "both known", "of wandb not known"],
)
def test_the_versions_that_do_not_fit_together_are_told(probed, versions):
    found = died("Descriptors cannot not be created directly.", "TypeError", setup=setup(python=probed))
    (finding,) = diagnose(found, init.RULES)
    assert finding.title == f"wandb and protobuf are incompatible{versions}"


@pytest.mark.parametrize(("variables", "stale"), [({"WANDB_SERVICE": "2-1-tcp-localhost-4"}, True), ({}, False)])
def test_a_refused_connection_is_a_stale_service_only_where_one_is_named(variables, stale):
    place = Place(variables=variables)
    found = died("[Errno 111] Connection refused", "ConnectionRefusedError", setup=setup(place=place))
    assert ("init-stale-wandb-service" in hits(init.RULES, found)) is stale


@pytest.mark.parametrize(
    ("words", "code"),
    [("wandb-core exited with code 1", 1), ("The wandb service process exited with -11. Ensure", -11)],
)
def test_the_exit_code_of_the_service_is_told(words, code):
    (finding,) = diagnose(died(words, "a.ServicePollForTokenError"), init.RULES)
    assert finding.title == f"wandb-core died while it started (exit code {code})"


ELSEWHERE = Place(wandb_dir="/proc/nope", wandb_dir_writable=False)
CANNOT = "wandb: WARNING Unable to create root directory"


@pytest.mark.parametrize(
    ("found", "title", "observed"),
    [
        (
            evidence(local=local(local_run(path="/tmp/wandb/run-1-a")), setup=setup(place=ELSEWHERE)),
            "wandb cannot write to /proc/nope, so it used a temporary folder",
            ("The run is in /tmp/wandb/run-1-a.",),
        ),
        (
            evidence(
                local=local(local_run(path="/proc/nope/wandb/run-1-a")), job=job(CANNOT), setup=setup(place=ELSEWHERE)
            ),
            "wandb cannot write to /proc/nope, so it used a temporary folder",
            (CANNOT,),
        ),
        (
            evidence(local=local(local_run(path="/tmp/wandb/run-1-a")), job=job(CANNOT), setup=None),
            "wandb cannot write to its folder, so it used a temporary folder",
            (CANNOT,),
        ),
        (
            died("[Errno 13] Permission denied: '/opt/wandb'", "PermissionError"),
            "wandb cannot write to /opt/wandb",
            ("PermissionError: [Errno 13] Permission denied: '/opt/wandb'",),
        ),
    ],
    ids=["the run went elsewhere", "the run is where it was meant to be", "nothing is known of the place", "no run"],
)
def test_the_folder_that_cannot_be_written_is_named(found, title, observed):
    (finding,) = diagnose(found, init.RULES)
    assert (finding.title, finding.observed) == (title, observed)


def test_a_folder_in_which_the_run_is_could_be_written():
    """By the job at least: where the harness looked from, it could not."""
    here = evidence(local=local(local_run(path="/proc/nope/wandb/run-1-a")), setup=setup(place=ELSEWHERE))
    assert not hits(init.RULES, here)


MIB = 2**20


@pytest.mark.parametrize(
    ("free", "told"),
    [
        (11 * MIB // 2, ("Free where wandb writes: 5.5 MiB.",)),
        (1023 * MIB, ("Free where wandb writes: 1023.0 MiB.",)),
        (1024 * MIB, ()),
        (None, ()),
    ],
    ids=["little", "less than a GiB", "a GiB", "not known"],
)
def test_space_that_is_left_is_told_where_it_is_little(free, told):
    """Where there is enough, a quota was used up: the file system's free bytes would mislead."""
    full = "OSError: [Errno 122] Disk quota exceeded"
    found = died("[Errno 122] Disk quota exceeded", "OSError", setup=setup(place=Place(wandb_dir_free_bytes=free)))
    assert hits(init.RULES, found)["init-disk-quota"].observed == (full, *told)


def test_space_that_is_left_is_not_known_without_a_preflight():
    found = hits(init.RULES, died("[Errno 122] Disk quota exceeded", "OSError", setup=None))
    assert found["init-disk-quota"].observed == ("OSError: [Errno 122] Disk quota exceeded",)
