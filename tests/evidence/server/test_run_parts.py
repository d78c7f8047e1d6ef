"""A run is read part by part: what cannot be read is told, and costs no other part."""

import pytest

from harness.evidence.models import Trouble
from harness.evidence.server import run_parts
from harness.evidence.server.reader import ReadingFailed
from harness.evidence.server.run_parts import Parts, persistently
from tests.judging.build import server_run


class Answers:
    """A reader that gives one answer after the other; a trouble is raised."""

    timeout_s = 5.0

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def ask(self, operation, **request):
        self.asked.append(request.get("part"))
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            raise ReadingFailed(Trouble(kind=answer, text="t", where=operation))
        return answer


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(run_parts, "PAUSES", (0.0, 0.0, 0.0))


def test_what_may_pass_is_asked_for_again():
    reader = Answers("reset", "http", "other", {"a": 1})
    assert Parts(reader, server_run()).read("internal") == {"a": 1}


@pytest.mark.parametrize("kind", sorted(run_parts.LASTING))
def test_what_lasts_is_not(kind):
    reader = Answers(kind, {})
    with pytest.raises(ReadingFailed):
        persistently(lambda: reader.ask("run"))
    assert len(reader.asked) == 1


def test_a_part_that_is_missing_is_told_by_its_name():
    found = Parts(Answers("auth", [{"x": 1}]), server_run())
    assert found.read("files") is None
    assert found.read("system") == [{"x": 1}]
    assert [(t.where, t.kind) for t in found.troubles] == [("files", "auth")]


def test_an_answer_without_anything_in_it_is_none():
    found = Parts(Answers(*[None] * 4), server_run())
    assert found.read("counts") is None
    assert found.troubles[0].kind == "protocol"


def test_a_series_without_rows_is_told_by_its_name():
    found = Parts(Answers(*[{"loss": [], "acc": [{"acc": 1}]}] * 4), server_run())
    assert found.series(["loss", "acc"]) == {"acc": [{"acc": 1}]}
    assert [(t.where, t.kind) for t in found.troubles] == [("series:loss", "protocol")]


def test_no_part_is_asked_for_when_the_time_is_up():
    reader = Answers()
    reader.timeout_s = 0.0
    found = Parts(reader, server_run())
    assert found.read("files") is None
    assert (reader.asked, found.troubles[0].kind) == ([], "timeout")
