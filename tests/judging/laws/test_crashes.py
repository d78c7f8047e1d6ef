"""Law 5: a traceback that ended the job is never explained by less than an error, and hides nothing that stands."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.evidence.models import Evidence, PythonError
from harness.judging.catalogue import catalogue
from harness.judging.causes import CRASH
from harness.judging.decision import decide
from harness.judging.families import RULES
from harness.judging.findings import hits_of
from harness.judging.graph import standard_graph
from harness.judging.judge import judge
from harness.judging.rule import Hit
from harness.judging.verdict import Cause
from tests.faults.recorded import chosen, decision, recordings
from tests.judging.laws.drawing import names

FAULT, PARTS = "end-failed-exitcode", 8


def whole(evidence: Evidence) -> bool:
    """Whether the job ran to its end, whatever else was wrong with it."""
    return bool(evidence.job) and evidence.job.ending == "completed" and evidence.request.source == "job"


def crashing(evidence: Evidence) -> Evidence:
    """The same job, but that its script raised something of its own at the end."""
    job = evidence.job
    boom = PythonError(
        exception="KeyError", message="'best_checkpoint'", line=job.output.lines + 1,
        frames=('File "/home/me/train.py", line 30, in <module>',),
    )  # fmt: skip
    output = job.output.model_copy(update={"errors": (*job.output.errors, boom)})
    update = {"output": output, "ending": "failed", "exit_code": 1}
    return evidence.model_copy(update={"job": job.model_copy(update=update)})


def untold(name: str) -> object:
    """What is wrong with what is told of the recording with a crash: of the crash itself, and of what stood before."""
    before = {cause.hit.id for cause in decision(name).causes if cause.severity == "error"}
    crashed = crashing(recordings()[name])
    # What a rule no longer says of a job that failed does not stand without the crash; nor does what follows from it.
    still = {hit.id for hit in hits_of(crashed) if FAULT not in standard_graph().origins[hit.id]}
    decided = decide(crashed)
    causes = {cause.hit.id: cause for cause in decided.causes}
    crash = causes.get(FAULT)
    if crash is None or not any("best_checkpoint" in line for line in crash.hit.observed):
        return "nothing of the crash", sorted(causes)
    explains = decided.explained(crash.symptoms)
    return before & still - set(causes) or (None if any(CRASH in check for check in explains) else explains)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_crash_and_what_stood_before_are_both_told(part: int):
    assert {name: wrong for name in chosen(whole)[part::PARTS] if (wrong := untold(name))} == {}


@settings(max_examples=50, deadline=None)
@given(names(whole), st.sampled_from(sorted(e.id for e in catalogue().values() if e.severity != "error")))
def test_no_warning_takes_its_place(name: str, remark: str):
    def rule(_evidence: Evidence) -> list[Hit]:
        return [Hit(id=remark, observed=("seen",), fails=(CRASH,))]

    told = judge(crashing(recordings()[name]), rules=(*RULES, rule))
    assert FAULT in [f.id for f in told.findings if isinstance(f, Cause)]
    assert told.findings[0].severity == "error"
