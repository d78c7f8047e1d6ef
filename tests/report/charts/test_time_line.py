"""What is drawn over steps and over time: which side, which axis, which moments."""

import pytest

from harness.evidence.models import Evidence, Job
from harness.report.charts.metrics import MOST, metric_charts
from harness.report.charts.system import gpu_charts, gpu_rows
from harness.report.charts.time_line import events, moments, stretches, time_scale
from harness.report.html.pictures import pictures
from tests.judging.build import (
    disk_series,
    disk_system,
    evidence,
    local,
    local_run,
    log,
    logged,
    server,
    server_run,
    server_series,
    system,
)
from tests.report.samples import START, long_run, lumi, many_gpus


def chart(found, title):
    return next(c for c in pictures(found).over_time if c.title == title)


def test_expected_metrics_come_first_and_a_missing_one_is_told():
    found = evidence(server=server(server_run(series={"a": logged("a", [1, 2]), "acc": logged("acc", [1, 2])})))
    charts = metric_charts(found)
    assert [c.title for c in charts] == ["loss", "acc", "a"]
    assert charts[0].note == "never logged"
    assert not charts[0].lines


def test_server_and_disk_are_drawn_together_only_where_they_differ():
    disk = {"loss": disk_series("loss", [3.0, 2.0, 1.0]), "acc": disk_series("acc", [3.0, 2.0, 1.0, 0.5])}
    found = evidence(local=local(local_run(log=log(series=disk))))
    loss, acc = metric_charts(found)
    assert [line.dashed for line in loss.lines] == [False]
    assert [(line.name, line.dashed) for line in acc.lines] == [("server: 3 points", False), ("disk: 4 points", True)]
    assert acc.legend


def test_a_metric_that_only_the_disk_has_is_drawn_and_told():
    disk = {"loss": disk_series("loss", [3.0, 2.0])}
    found = evidence(server=server(server_run(series={})), local=local(local_run(log=log(series=disk))))
    assert metric_charts(found)[0].note == "only the disk has it (2 points)"


def test_values_that_are_no_numbers_are_told():
    found = evidence(server=server(server_run(series={"loss": logged("loss", [1.0, "NaN", {"a": 1}])})))
    assert "1 not finite; 1 no numbers" in metric_charts(found)[0].note


def test_of_many_metrics_a_few_are_drawn():
    found, _ = long_run()
    drawn = pictures(found)
    assert len(drawn.metrics) == MOST
    assert drawn.metrics_left_out == 42 - MOST
    assert "1,000,000 points, steps 0 to 999,999" in drawn.metrics[0].note


def test_each_gcd_has_a_line_and_second_dies_no_power():
    found = lumi()
    assert len(chart(found, "GPU utilisation").lines) == 8
    power = chart(found, "GPU power")
    assert [line.name for line in power.lines] == ["GCD 0", "GCD 2", "GCD 4", "GCD 6"]
    assert power.note == "4 GPUs; 4 without"
    rows = gpu_rows(found)
    assert rows[1].cells[2] == "no sensor"
    assert rows[0].name == "GCD 0"


def test_very_many_gpus_are_thin_lines_without_a_legend():
    found, _ = many_gpus()
    use = chart(found, "GPU utilisation")
    assert len(use.lines) == 64
    assert all(line.faint for line in use.lines)
    assert not use.legend
    assert len(gpu_rows(found)) == 64


def test_samples_lie_on_the_clock_of_the_job():
    use = chart(lumi(), "GPU utilisation")
    assert use.lines[0].points[0][0] == 25.0, "the run began 25 s after the job"
    assert {round(m.at) for m in use.marks} == {25, 33, 44, 155}


def test_memory_in_bytes_is_not_drawn_as_per_cent():
    run = server_run(system={"system.gpu.0.memoryAllocatedBytes": system("gpu.0.memoryAllocatedBytes", [1e9, 2e9])})
    found = lumi(server=server(run))
    x = time_scale(found, moments(found), None)
    memory = gpu_charts(found, START, x, ())[1]
    assert memory.unit == "bytes"
    assert memory.y.high >= 2e9


def test_system_samples_that_only_the_disk_has_are_dashed():
    few = server_run(system={"system.cpu": system("cpu", [1, 2, 3])}, created_at=START)
    disk = log(system={"cpu": disk_system("cpu", range(30))}, system_first_time=START + 1)
    cpu = chart(lumi(server=server(few), local=local(local_run(log=disk))), "CPU")
    assert [(line.name, line.dashed) for line in cpu.lines] == [("cpu, server", False), ("cpu, disk", True)]


def test_one_late_sample_is_no_difference():
    few = server_run(system={"system.cpu": system("cpu", range(29))}, created_at=START)
    disk = log(system={"cpu": disk_system("cpu", range(30))}, system_first_time=START + 1)
    cpu = chart(lumi(server=server(few), local=local(local_run(log=disk))), "CPU")
    assert len(cpu.lines) == 1


def test_moments_are_told_in_order():
    found = lumi()
    told = [e.text for e in events(found, moments(found))]
    assert told == [
        "Slurm: PENDING (Priority)", "Slurm: RUNNING", "wandb.init(): the run began", "run visible on the server",
        "first system metric visible on the server", "first point logged", "first point visible on the server",
        "last point logged", "last sign of the run", "Slurm: COMPLETED", "job ended: completed", "server read back",
    ]  # fmt: skip


def test_the_time_line_says_in_words_what_it_draws():
    assert [lane.name for lane in pictures(lumi()).lanes] == [
        "Job: queued 15 min 0 s, ran 2 min 35 s",
        "W&B run: wandb.init() at 25 s, last sign at 2 min 30 s",
        "Points logged: 40 s to 2 min 10 s",
        "Run visible on the server: from 31 s on",
        "First system metric visible on the server: from 33 s on",
        "First point visible on the server: from 44 s on",
        "Harness: preflight 4.0 s, reading the server 4.0 s",
    ]


def test_the_axis_says_what_it_counts_from():
    found = lumi()
    assert "seconds after the job&#39;s start" in pictures(found).axis
    assert "seconds after the run began" in pictures(found.model_copy(update={"job": None})).axis


def test_rows_that_stayed_on_the_disk_are_on_the_time_line_too():
    rows = log(history_rows=6, history_first_time=START + 40, history_last_time=START + 90)
    one = server_run(series={"loss": server_series("loss", times=(START + 40,))}, created_at=START + 25)
    drawn = pictures(lumi(server=server(one), local=local(local_run(log=rows))))
    assert "Points logged: 40 s to 90 s" in [lane.name for lane in drawn.lanes]


def test_a_long_queue_is_cut_so_that_the_job_keeps_its_room():
    found = lumi()
    x = time_scale(found, moments(found), None)
    assert -30 < x.low < 0
    assert x.high == pytest.approx(160)
    queued = stretches(found, moments(found))[0]
    assert (queued.text, queued.end - queued.start) == ("queued", 900)


def test_a_run_of_yesterday_has_an_axis_without_the_harness():
    found = lumi(job=None, watch=None)
    found = found.model_copy(update={"request": found.request.model_copy(update={"source": "run"})})
    x = time_scale(found, moments(found), None)
    assert (x.low, x.high) == (0.0, 125.0)
    assert not [s for s in stretches(found, moments(found)) if s.lane == "harness"]


def test_a_job_that_was_not_submitted_has_no_time_line():
    found = Evidence(job=Job(ending="not_submitted"))
    drawn = pictures(found)
    assert not drawn.lanes
    assert not drawn.any
