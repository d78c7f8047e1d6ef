"""The home folder that settings files are looked for in; what is in them, the tests of the settings tell."""

import pytest

from harness.evidence.setup.settings_files import expand_user, home_folder


@pytest.mark.parametrize(
    ("env", "path", "expanded"),
    [
        ({"HOME": "/h"}, "~/x", "/h/x"),
        ({"HOME": "/h/"}, "~", "/h"),
        ({"HOME": ""}, "~/x", "/x"),
        ({"HOME": "/h"}, "/abs", "/abs"),
        ({"HOME": "/h"}, "rel/~", "rel/~"),
    ],
)
def test_home_is_expanded_with_the_jobs_environment(env, path, expanded):
    assert expand_user(path, env) == expanded


def test_home_without_an_account(mocker):
    mocker.patch("harness.evidence.setup.settings_files.pwd.getpwuid", side_effect=KeyError("uid"))
    assert home_folder({}) == "~"
