"""A question of one evidence is answered once, and anew for every other evidence."""

from harness.judging.once import once
from tests.judging.build import evidence


def test_once_for_each_evidence_and_each_further_word():
    asked = []

    @once
    def question(found, word="", *, loud=False):
        """What it asks."""
        asked.append((found.created_at, word, loud))
        return len(asked)

    first, second = evidence(created_at=1.0), evidence(created_at=2.0)
    assert [question(first), question(first), question(first, "a"), question(first, loud=True)] == [1, 1, 2, 3]
    assert question(second) == 4
    assert question(first.model_copy()) == 5
    assert asked == [(1.0, "", False), (1.0, "a", False), (1.0, "", True), (2.0, "", False), (1.0, "", False)]
    assert question.__doc__ == "What it asks."


def test_equal_evidence_is_another_one():
    count = iter(range(9))
    question = once(lambda _: next(count))
    assert [question(evidence()), question(evidence())] == [0, 1]
