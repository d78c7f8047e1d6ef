"""What a script may know better is not judged by what is here; without such a script, it is."""

import pytest

from harness.judging.case import Case
from harness.judging.outcomes import NotApplicable
from harness.judging.symptoms import setup
from tests.judging import build as b

NO_KEY = b.setup(credentials=b.with_keys())
MAY_KNOW = [{"script_sets_key": True}, {"script_names": ("base_url",)}]


@pytest.mark.parametrize("change", MAY_KNOW)
def test_a_key_that_only_the_script_may_bring_is_not_called_configured(change):
    with pytest.raises(NotApplicable, match="no usable key here"):
        _ = setup.api_key_is_configured(Case(b.no_run(setup=NO_KEY.model_copy(update=change))), "")


@pytest.mark.parametrize("change", MAY_KNOW)
def test_a_key_that_is_here_is_configured_whatever_the_script_says(change):
    assert setup.api_key_is_configured(Case(b.no_run(setup=b.setup(**change))), "") is None


def test_a_missing_key_fails_where_the_script_brings_none():
    assert "no API key" in (setup.api_key_is_configured(Case(b.no_run(setup=NO_KEY)), "") or "")
