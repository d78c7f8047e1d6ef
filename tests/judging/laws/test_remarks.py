"""Law 2: a remark that is added to any evidence changes no root cause and no outcome."""

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.evidence.models import Evidence
from harness.judging.catalogue import catalogue
from harness.judging.families import RULES
from harness.judging.findings import hits_of
from harness.judging.judge import judge
from harness.judging.rule import Hit
from harness.judging.verdict import Cause, Verdict
from tests.faults.recorded import recordings, verdict
from tests.judging.laws.drawing import names

IDS = sorted(catalogue())
REMARKS = st.one_of(
    st.builds(lambda i: Hit(id=i, observed=("seen",), severity="info"), st.sampled_from(IDS)),
    st.builds(lambda i: Hit(id=i, observed=("seen",), fails=()), st.sampled_from(IDS)),
)


def counts(verdict: Verdict) -> object:
    """What a remark may not change."""
    causes = [f for f in verdict.findings if isinstance(f, Cause)]
    return verdict.verdict, verdict.root_cause, causes, verdict.checks


@settings(max_examples=50, deadline=None)
@given(names(), st.lists(REMARKS, min_size=1, max_size=5, unique_by=lambda hit: hit.id))
def test_remarks_take_part_in_nothing(name: str, remarks: list[Hit]):
    evidence = recordings()[name]
    known = {hit.id for hit in hits_of(evidence)}
    new = [hit for hit in remarks if hit.id not in known]

    def rule(_evidence: Evidence) -> list[Hit]:
        return new

    with_them, without = judge(evidence, rules=(*RULES, rule)), verdict(name)
    assert counts(with_them) == counts(without)
