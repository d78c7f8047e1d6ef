"""The live view's words fit 80 columns, whole: also why a job waits."""

from harness.report.terminal.live import told
from harness.verification.progress import Moment


def test_what_does_not_fit_goes_to_the_next_line_whole():
    moment = Moment("job 4242002 running", 121, epoch=4, loss=1.3, first_point_s=16, first_system_metric_s=21)
    assert told(moment) == [
        "job 4242002 running | 121 s | epoch 4, loss 1.3 | point seen 16 s",
        "    system seen 21 s",
    ]


def test_why_a_job_waits_is_never_cut():
    why = "as many of your jobs run as the partition allows; it starts when one of them ends (QOSMaxJobsPerUserLimit)"
    lines = told(Moment(f"job 4242009 pending, start expected 20:52: {why}", 754))
    assert all(len(line) < 78 for line in lines)
    assert " ".join(line.strip() for line in lines) == f"job 4242009 pending, start expected 20:52 | 13 min {why}"
