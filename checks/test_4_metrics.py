"""Metrics: the expected metrics (loss and accuracy, for example) appear in the run."""

import warnings


def test_series_is_present(metric, series):
    """The metric is in the run, as numbers."""
    assert series.is_present


def test_series_has_every_point(metric, series):
    """The metric has a point for each epoch."""
    assert series.has_every_point


def test_series_is_finite(metric, series):
    """Every value is a finite number: no NaN, no infinity."""
    assert series.is_finite


def test_steps_increase(metric, series):
    """Steps go up and no row was dropped for going back."""
    assert series.goes_up_in_steps


def test_loss_goes_down(loss):
    """The loss goes down; a loss that does not is worth a look, but no fault of W&B's."""
    if loss[-1] >= loss[0]:
        warnings.warn(f"the loss went from {loss[0]:.4g} to {loss[-1]:.4g}", stacklevel=1)
