"""Metrics: the expected metrics (loss and accuracy, for example) appear in the run."""

import warnings

import pytest

pytestmark = pytest.mark.needs("test_init_succeeded")


def test_series_is_present(metric, series, absence):
    """The metric is in the run, as numbers."""
    assert series, absence
    assert series.usable, f"{metric} holds no numbers"


@pytest.mark.needs("test_series_is_present")
def test_series_has_every_point(metric, series, points):
    """The metric has a point for each epoch."""
    assert series.count >= points, f"{metric} has {series.count} of {points} points"


@pytest.mark.needs("test_series_is_present")
def test_series_is_finite(metric, values):
    """Every value is a finite number: no NaN, no infinity."""
    assert not values.non_finite, f"{metric} has {values.non_finite} values that are not finite"


@pytest.mark.needs("test_series_is_present")
def test_steps_increase(metric, values, step_warnings):
    """Steps go up and no row was dropped for going back."""
    assert not values.backward_steps, f"{metric}: {values.backward_steps} steps go back"
    assert not step_warnings, step_warnings[0]


@pytest.mark.needs("test_init_succeeded", "test_series_is_present[loss]")
def test_loss_goes_down(loss):
    """The loss goes down; a loss that does not is worth a look, but no fault of W&B's."""
    if loss[-1] >= loss[0]:
        warnings.warn(f"the loss went from {loss[0]:.4g} to {loss[-1]:.4g}", stacklevel=1)
