"""Why a check may end without a yes or a no."""


class NotApplicable(Exception):  # noqa: N818 - an outcome, not an error
    """The check asks for something that this evidence does not speak of; says why."""


class NotChecked(Exception):  # noqa: N818 - an outcome, not an error
    """The check could not be made: the harness's own reading failed; never a pass, never a failure."""
