"""Symptoms of the metrics: each expected series is there, whole, finite and in order."""

from harness.judging import metric_series
from harness.judging.case import Case
from harness.judging.check import Check
from harness.judging.metric_series import SeriesView
from harness.judging.outcomes import NotApplicable


def _series(case: Case, metric: str) -> SeriesView | None:
    case.run  # noqa: B018 - without a run nothing is said of its metrics
    return metric_series.series(case.evidence, metric)


def _values(case: Case, metric: str) -> SeriesView:
    """The metric's series, its values read."""
    found, name = _series(case, metric), _name(case, metric)
    case.need(f"values of {name}", f"series:{name}")
    if found is None:
        raise NotApplicable(f"there is no series named {name}")
    return found


def _name(case: Case, metric: str) -> str:
    """The name of the series that is judged.

    Raises:
        NotApplicable: nobody named one, and none of the run looks like it.
    """
    if (name := metric_series.judged(case.evidence).get(metric)) is None:
        meant = {"loss": "a loss", "acc": "an accuracy"}.get(metric, metric)
        raise NotApplicable(f"no series of the run looks like {meant}; --expect NAME names one")
    return name


def series_is_present(case: Case, metric: str) -> str | None:
    """The metric is not in the run, or holds no numbers."""
    found = _series(case, metric)
    name = _name(case, metric)
    if found is None:
        return _absence(case, name)
    if not found.usable:  # NaN is told from a text by the values themselves
        case.need(f"values of {name}", f"series:{name}")
        return f"{name} holds no numbers"
    return None


def _absence(case: Case, metric: str) -> str:
    """What there is of a metric that the run lacks."""
    on_disk = metric_series.series(case.evidence, metric, "disk")
    if on_disk and case.place == "server":
        return f"{metric} is not on the server; {on_disk.count} points of it are on disk"
    if not metric_series.all_series(case.evidence):
        return f"the run has no row, so no {metric}"
    return f"{metric} was never logged"


def series_has_every_point(case: Case, metric: str) -> str | None:
    """The metric has fewer points than it should have."""
    found, expected = _series(case, metric), case.evidence.request.expect_points
    if found is None:
        raise NotApplicable(f"there is no series named {_name(case, metric)}")
    return f"{found.key} has {found.count} of {expected} points" if found.count < expected else None


def series_is_finite(case: Case, metric: str) -> str | None:
    """Values are NaN or infinite."""
    found = _values(case, metric)
    return f"{found.key} has {found.non_finite} values that are not finite" if found.non_finite else None


def steps_increase(case: Case, metric: str) -> str | None:
    """Steps go back, or rows were dropped for going back."""
    found = _values(case, metric)
    if found.backward_steps:
        return f"{found.key}: {found.backward_steps} steps go back"
    return next(iter(metric_series.dropped_rows(case.evidence)), None)


def loss_goes_down(case: Case, _: str) -> str | None:
    """Never a symptom: a loss that stays is worth a look, but no fault of W&B's."""
    if len(loss_values(case)) < 2:
        raise NotApplicable("there is no series named loss with two points")
    return None


def loss_values(case: Case) -> list[float]:
    """The loss, in order of its steps."""
    found = _series(case, "loss")
    if found:
        case.need(f"values of {found.key}", f"series:{found.key}")
    return [value for _, value in found.sketch] if found else []


FILE = "test_4_metrics.py"
RUN = ("test_init_succeeded",)
PRESENT = (*RUN, "test_series_is_present")
CHECKS = (
    Check(FILE, "test_series_is_present", series_is_present, needs=RUN, shows="rows", each="metric"),
    Check(FILE, "test_series_has_every_point", series_has_every_point, needs=PRESENT, shows="end", each="metric"),
    Check(FILE, "test_series_is_finite", series_is_finite, needs=PRESENT, each="metric"),
    Check(FILE, "test_steps_increase", steps_increase, needs=PRESENT, each="metric"),
    Check(FILE, "test_loss_goes_down", loss_goes_down, needs=(*RUN, "test_series_is_present[loss]")),
)
