"""Small parts of what `python -m lab.bench scale` measures in full: right verdicts, and memory that does not grow."""

import pytest

from lab.bench import bench_scale as scale

pytestmark = pytest.mark.slow
PARTS = (
    (scale.many_runs, 0.06, "dup-one-run-per-rank"),
    (scale.many_gpus, 1.0, None),
    (scale.long_output, 0.06, None),
    (scale.many_outputs, 0.3, None),
    (scale.many_offline, 0.1, "sync-never-run"),
)


@pytest.mark.parametrize(("case", "part", "cause"), PARTS, ids=lambda value: getattr(value, "__name__", None))
def test_a_part_is_judged_rightly_in_little_memory(case, part, cause):
    what, answer = scale.ask(case, part)
    assert answer.verdict["root_cause"] == cause, what
    assert answer.peak_mb < scale.MOST_MB
