"""Symptoms of the system metrics: host and GPUs are in W&B, and were visible while the job ran."""

from typing import cast

from harness.judging import system_series
from harness.judging.case import Case
from harness.judging.check import Check
from harness.judging.expected_gpus import GpuExpectation, expected_gpus
from harness.judging.live.early import RUNNING
from harness.judging.outcomes import NotApplicable, NotChecked
from harness.judging.sampling import UPLOAD_INTERVAL_S, over_before_an_upload
from harness.judging.system_series import GpuView, HostKind
from harness.judging.view import unshown_while_running


def host_metrics_are_captured(case: Case, part: str) -> str | None:
    """One part of the host was not recorded."""
    case.run  # noqa: B018 - without a run nothing is said of its metrics
    if system_series.host_series(case.evidence, cast("HostKind", part)):
        return None
    case.need("system metrics", "system")
    return f"no {part} metric was recorded"


def _expected(case: Case) -> GpuExpectation:
    case.run  # noqa: B018 - without a run nothing is said of its metrics
    found = expected_gpus(case.evidence)
    if found is None:
        raise NotApplicable("the job had no GPU")
    return found


def _gpus(case: Case) -> tuple[GpuView, ...]:
    found = system_series.gpus(case.evidence)
    if len(found) < _expected(case).count:
        case.need("system metrics", "system")
    return found


def every_gpu_reports(case: Case, _: str) -> str | None:
    """GPUs are missing, or do not report all that they should."""
    expected = _expected(case)
    if (count := len(_gpus(case))) < expected.count:
        return f"{count} GPUs report, but {expected.reason}"
    if gaps := system_series.gpu_gaps(case.evidence):
        case.need("system metrics", "system")
        return "; ".join(gaps[:4])
    return None


def gpus_were_used(case: Case, _: str) -> str | None:
    """Every GPU stayed idle."""
    _expected(case)
    if any(gpu.used for gpu in _gpus(case)):
        return None
    return "every GPU stayed idle: the job ran on the CPU, or not at all"


def metrics_were_visible_while_running(case: Case, _: str) -> str | None:
    """Nothing could be seen on the server before the job ended."""
    request, watch = case.evidence.request, case.evidence.watch
    if request.source != "job" or not request.wants_server or request.offline or watch is None:
        raise NotApplicable("nothing was watched on a server while a job ran")
    if watch.first_point_s is not None and watch.first_system_metric_s is not None:
        return None
    if case.life is not None:
        raise NotApplicable(RUNNING)
    what = "point of any metric" if watch.first_point_s is None else "system metric"
    if short := over_before_an_upload(case.evidence):
        raise NotApplicable(
            f"no {what} could be seen in {short}: the SDK uploads every {UPLOAD_INTERVAL_S:.0f} s or less often"
        )
    if watch.blind and not watch.failed_polls:
        since_s = (watch.job_ended_s or 0.0) - (watch.last_poll_s or 0.0)
        raise NotChecked(f"the last look at the server while the job ran was {since_s:.0f} s before its end")
    if watch.blind:
        why = watch.troubles[0].text[:300] if watch.troubles else "no reason was given"
        raise NotChecked(f"looks at the server failed while the job ran ({watch.failed_polls} of {watch.polls}): {why}")
    if watch.run_visible_s is None and case.evidence.server.status == "failed":
        unread = case.evidence.server.trouble
        raise NotChecked(f"the server could not be read: {unread.text[:300] if unread else 'no reason was given'}")
    if unshown := unshown_while_running(case.evidence):
        raise NotChecked(unshown)
    return f"no {what} could be seen while the job ran"


FILE = "test_5_system.py"
RUN = ("test_init_succeeded",)
CHECKS = (
    Check(FILE, "test_host_metrics_are_captured", host_metrics_are_captured, needs=RUN, shows="samples", each="part"),
    Check(FILE, "test_every_gpu_reports", every_gpu_reports, needs=RUN, shows="samples"),
    Check(FILE, "test_gpus_were_used", gpus_were_used, needs=(*RUN, "test_every_gpu_reports"), shows="rows"),
    Check(FILE, "test_metrics_were_visible_while_running", metrics_were_visible_while_running, needs=RUN),
)
