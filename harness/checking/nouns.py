"""Fixtures of the checks: nouns of the guide's Verify list, each a view of the evidence."""

import re
from collections.abc import Callable

import pytest

from harness.checking.session import session_of
from harness.evidence.models import Evidence, Watch
from harness.judging import duplicates, metric_series, system_series
from harness.judging.expected_gpus import GpuExpectation
from harness.judging.expected_gpus import expected_gpus as expected_of
from harness.judging.metric_series import SeriesView
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.symptoms.job import JobSubject
from harness.judging.symptoms.losses import losses as losses_of
from harness.judging.symptoms.runs import RunSubject, count_of, judged_on_server, main_run, runs_of
from harness.judging.symptoms.setup import Preflight
from harness.judging.system_series import GpuView, HostKind, SystemView
from harness.judging.view import own_entities, unread

UPLOAD_INTERVAL_S = 15.0
"""The SDK sends rows and system metrics in batches; a shorter job may end before the first one."""
CONFIG = ("learning_rate", "architecture", "epochs", "batch_size")
"""Keys of the built-in job's config; the guide's, plus the batch size."""


@pytest.fixture(scope="session")
def evidence(pytestconfig: pytest.Config) -> Evidence:
    """What happened; gathered once, when the first check asks."""
    return session_of(pytestconfig).evidence()


@pytest.fixture
def preflight(evidence: Evidence) -> Preflight:
    """The setup, judged before the job."""
    return Preflight(evidence)


@pytest.fixture
def job(evidence: Evidence) -> JobSubject:
    """The job that was started."""
    return JobSubject(evidence)


@pytest.fixture
def run_count(evidence: Evidence) -> int:
    """How many runs the job has."""
    return count_of(evidence)


@pytest.fixture
def surplus(evidence: Evidence) -> str | None:
    """Runs, or writers of the one run, beyond the one that was meant."""
    found, problem = runs_of(evidence), duplicates.problem(evidence)
    if found and problem is None and (trouble := unread(evidence, "neighbours")):
        raise NotChecked(f"other runs of the job could not be looked for: {trouble.text[:300]}")
    return problem


@pytest.fixture
def run(evidence: Evidence) -> RunSubject:
    """The run that carries the training."""
    return main_run(evidence)


@pytest.fixture
def job_config(evidence: Evidence) -> tuple[str, ...]:
    """Keys that the run's config must have."""
    if evidence.request.job_kind == "builtin":
        return CONFIG
    if not main_run(evidence).config:
        raise NotApplicable("the job tracks no config; the guide passes one to wandb.init(config=…)")
    return ()


@pytest.fixture
def intended(evidence: Evidence) -> tuple[str, str]:
    """Entity and project that were asked for; what the job script names by itself is right by definition."""
    run = main_run(evidence)
    if evidence.request.run_path:
        named = evidence.request.run_path.split("/")
        return named[0], named[1]
    if not judged_on_server(evidence):
        raise NotApplicable("an offline run gets its place when it is synced")
    setup = evidence.setup
    asked = setup.network if setup else None
    entity = asked.entity if asked and setup and "entity" not in setup.script_names else None
    project = asked.project if asked and setup and "project" not in setup.script_names else None
    # Nobody asked for the default entity: a job that goes to one of the user's teams says what it means.
    default = asked.viewer.entity if asked and asked.viewer else None
    if entity == default and (run.entity in own_entities(evidence) or evidence.request.server == "loopback"):
        entity = None
    return entity or run.entity, project or run.project


@pytest.fixture
def environment(evidence: Evidence) -> dict[str, object]:
    """Facts that the run records of its environment."""
    run = main_run(evidence)
    python = run.metadata.get("python") or (run.server.python_version if run.server else None)
    found = {"host": run.metadata.get("host") or (run.server.host if run.server else None), "Python version": python}
    if not all(found.values()):
        need(run, evidence, "environment", "metadata", "files")
    return found


def need(run: RunSubject, evidence: Evidence, what: str, *parts: str) -> None:
    """Refuse to judge what could not be read.

    Raises:
        NotChecked: one of the parts is missing because the server did not tell it.
    """
    if run.server and (trouble := unread(evidence, "internal", *parts)):
        raise NotChecked(f"the run's {what} could not be read ({trouble.where}): {trouble.text[:300]}")


@pytest.fixture
def console_lines(evidence: Evidence) -> int:
    """Lines of console output that the run has."""
    run = main_run(evidence)
    local = [r for r in evidence.local.runs if r.run_id == run.id]
    if any("off" in (r.log.settings.get("console"), r.sdk_logs.settings.get("console")) for r in local):
        raise NotApplicable("the job turned the console capture off")
    if local and not any(r.log.console_lines or r.console_lines or r.log.status != "complete" for r in local):
        raise NotApplicable("the process that logs to W&B printed nothing after wandb.init()")
    if run.console_lines:
        return run.console_lines
    if run.server:
        # In shared mode each writer has a file of its own: output_LABEL.log.
        if any(re.fullmatch(r"(logs/)?output[^/]*\.log", name) for name in run.server.files):
            return 1
        need(run, evidence, "console output", "counts", "files")
        if not local:
            raise NotApplicable("W&B has no console output; whether the job printed any, or captured it, is not known")
    return 0


@pytest.fixture
def series(evidence: Evidence, metric: str) -> SeriesView | None:
    """The expected metric's series."""
    run, found = main_run(evidence), metric_series.series(evidence, metric)
    if found is not None and not found.usable:  # NaN is told from a text by the values themselves
        need(run, evidence, f"values of {metric}", f"series:{metric}")
    return found


@pytest.fixture
def absence(evidence: Evidence, metric: str) -> str:
    """What there is of a metric that the run lacks."""
    on_disk = metric_series.series(evidence, metric, "disk")
    if on_disk and metric_series.where_to_look(evidence) == "server":
        return f"{metric} is not on the server; {on_disk.count} points of it are on disk"
    if not metric_series.all_series(evidence):
        return f"the run has no row, so no {metric}"
    return f"{metric} was never logged"


@pytest.fixture
def values(evidence: Evidence, metric: str, series: SeriesView | None) -> SeriesView | None:
    """The expected metric's series, its values seen."""
    need(main_run(evidence), evidence, f"values of {metric}", f"series:{metric}")
    return series


@pytest.fixture
def points(evidence: Evidence) -> int:
    """Points that each series must have."""
    return evidence.request.expect_points


@pytest.fixture
def step_warnings(evidence: Evidence) -> tuple[str, ...]:
    """Words of the SDK about rows that it dropped because their step went back."""
    return metric_series.dropped_rows(evidence)


@pytest.fixture
def loss(evidence: Evidence) -> list[float]:
    """The loss, in order."""
    found = metric_series.series(evidence, "loss")
    need(main_run(evidence), evidence, "values of loss", "series:loss")
    if found is None or len(found.sketch) < 2:
        raise NotApplicable("there is no series named loss with two points")
    return [value for _, value in found.sketch]


@pytest.fixture
def host_metrics(evidence: Evidence) -> Callable[[HostKind], tuple[SystemView, ...]]:
    """System metrics of one part of the host."""
    run = main_run(evidence)

    def of(part: HostKind) -> tuple[SystemView, ...]:
        if not (found := system_series.host_series(evidence, part)):
            need(run, evidence, "system metrics", "system")
        return found

    return of


@pytest.fixture
def expected_gpus(evidence: Evidence) -> GpuExpectation:
    """GPUs that should report."""
    main_run(evidence)
    found = expected_of(evidence)
    if found is None:
        raise NotApplicable("the job had no GPU")
    return found


@pytest.fixture
def gpus(evidence: Evidence, expected_gpus: GpuExpectation) -> tuple[GpuView, ...]:
    """GPUs that report, where the job had any."""
    if len(found := system_series.gpus(evidence)) < expected_gpus.count:
        need(main_run(evidence), evidence, "system metrics", "system")
    return found


@pytest.fixture
def gpu_gaps(evidence: Evidence) -> tuple[str, ...]:
    """What GPUs fail to report."""
    if gaps := system_series.gpu_gaps(evidence):
        need(main_run(evidence), evidence, "system metrics", "system")
    return gaps


@pytest.fixture
def watch(evidence: Evidence) -> Watch:
    """What could be seen on the server while the job ran."""
    request, watch = evidence.request, evidence.watch
    if request.source != "job" or not request.wants_server or request.offline or watch is None:
        raise NotApplicable("nothing was watched on a server while a job ran")
    if watch.first_point_s is not None and watch.first_system_metric_s is not None:
        return watch
    if watch.blind:
        why = watch.troubles[0].text[:300] if watch.troubles else "no reason was given"
        raise NotChecked(f"looks at the server failed while the job ran ({watch.failed_polls} of {watch.polls}): {why}")
    if watch.run_visible_s is None and evidence.server.status == "failed":
        unread = evidence.server.trouble
        raise NotChecked(f"the server could not be read: {unread.text[:300] if unread else 'no reason was given'}")
    lasted = watch.job_ended_s or 0.0
    if request.job_kind != "builtin" and lasted < 3 * UPLOAD_INTERVAL_S:
        what = "point" if watch.first_point_s is None else "system metric"
        raise NotApplicable(
            f"no {what} could be seen in the {lasted:.0f} s that the job took: the SDK uploads every"
            f" {UPLOAD_INTERVAL_S:.0f} s or less often"
        )
    return watch


@pytest.fixture
def losses(evidence: Evidence) -> list[str]:
    """Differences between disk and server."""
    return losses_of(evidence)
