"""Every cell of the compatibility matrix is as expected, and the table in docs/ is this one."""

import pytest

from tests.compat.matrix import SITUATIONS, VERSIONS, expected_table, fill
from tests.compat.sdks import REPOSITORY
from tests.in_ci import ends_in_ci


@pytest.mark.slow
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: s.title.replace(" ", "-"))
@pytest.mark.parametrize("sdk", ends_in_ci(*VERSIONS))
def test_cell(sdk, situation):
    found = fill(sdk, situation)
    if found.startswith("not played"):
        pytest.skip(found)
    assert found == situation.expected(sdk)


def test_the_page_has_the_table():
    assert expected_table() in (REPOSITORY / "docs" / "reliability.md").read_text()
