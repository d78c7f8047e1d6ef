"""The charts of the host say what was recorded, by the same measure as the check."""

import pytest

from harness.judging.system_series import host_series
from harness.report.charts.scale import Scale
from harness.report.charts.system import host_charts
from tests.judging import build as b


@pytest.mark.parametrize(
    ("key", "note"), [("proc.cpu.threads", "only proc.cpu.threads"), ("gpu.0.gpu", "not recorded")]
)
def test_a_part_of_which_nothing_can_be_drawn_is_told(key, note):
    run = b.server_run(system={f"system.{key}": b.system(key, (7.0,), 15.0)})
    found = b.evidence(server=b.server(run))
    cpu = host_charts(found, 0.0, Scale(0, 100), ())[0]
    assert (cpu.title, cpu.note) == ("CPU", note)
    assert bool(host_series(found, "cpu")) == (note != "not recorded")
