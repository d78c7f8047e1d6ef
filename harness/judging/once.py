"""Answers a question of one evidence once, however many rules and checks ask it."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Concatenate, ParamSpec, TypeVar

from harness.evidence.models import Evidence

Answer = TypeVar("Answer")
More = ParamSpec("More")


def once(question: Callable[Concatenate[Evidence, More], Answer]) -> Callable[Concatenate[Evidence, More], Answer]:
    """Keep the answers about the evidence that was asked of last; evidence never changes, so that nobody can tell."""
    kept: tuple[Evidence | None, dict[object, Answer]] = (None, {})

    def asked(evidence: Evidence, /, *args: More.args, **kwargs: More.kwargs) -> Answer:
        nonlocal kept
        about, answers = kept
        if about is not evidence:
            about, answers = kept = (evidence, {})
        key = (args, tuple(sorted(kwargs.items())) if kwargs else ())
        if key not in answers:
            answers[key] = question(evidence, *args, **kwargs)
        return answers[key]

    update_wrapper(asked, question)
    return asked
