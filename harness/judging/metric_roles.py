"""Which series of a run play the loss and the accuracy where nobody named them: found by name, then by their points."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.judging.metric_names import core_words, words

LOSS, ACC = "loss", "acc"
EVALUATION = frozenset({"val", "valid", "validation", "test", "eval", "evaluation", "dev", "holdout"})
_OTHER_LOSSES = frozenset({"nll", "ce", "xent", "bce", "mse", "mae", "rmse", "perplexity", "ppl", "elbo", "objective"})
_OTHER_ACCURACIES = frozenset({"top5", "acc5", "prec1", "precision1"})
_BOOKKEEPING = frozenset({
    "step", "steps", "epoch", "epochs", "iter", "iteration", "iterations", "batch", "batches", "global", "lr",
    "learning", "rate", "momentum", "norm", "grad", "gradient", "decay", "scale", "time", "runtime", "second",
    "seconds", "sec", "eta", "speed", "throughput", "samples", "tokens", "seen", "flos", "flops", "num", "params",
    "parameters", "memory", "mem", "gpu", "cpu", "progress",
})  # fmt: skip
"""Words of series that count, time or steer the training; none of them shows that it learns."""


@dataclass(frozen=True)
class Candidate:
    """A series of the run: its name, how many points it has, and whether they are numbers."""

    name: str
    points: int
    usable: bool


def roles_of(
    candidates: Sequence[Candidate], *, scripted: Iterable[str] = (), guided: bool = False
) -> Mapping[str, str | None]:
    """Return the series that plays each role; a name that the run lacks where that one was meant; None for none.

    The loss is a training loss where there is one, or where the script logs one by name; else one of the evaluation;
    else, in a run without an accuracy too, whatever is logged most and does not merely count.

    Args:
        candidates: the series of the run.
        scripted: names that the script gives to log().
        guided: the output is in the words of the guide's script, which logs `loss` and `acc`. Where one of the two is
            there and the other has another name, it was renamed by mistake.
    """
    named = {c.name: c for c in candidates if not c.name.startswith("_")}
    accuracy = _best(c for c in named.values() if _accuracy_place(c.name) is not None)
    found: dict[str, str | None] = {LOSS: _loss(named, tuple(scripted), accuracy), ACC: accuracy}
    if guided:
        for role, other in ((LOSS, ACC), (ACC, LOSS)):
            if other in named and role not in named and found[role] in named:
                found[role] = role
    return found


def _loss(named: Mapping[str, Candidate], scripted: Sequence[str], accuracy: str | None) -> str | None:
    alike = [c for c in named.values() if _loss_place(c.name) is not None]
    meant = [Candidate(name, 0, usable=False) for name in scripted if _loss_place(name) is not None]
    for choice in (_training(alike), _training(meant), alike):
        if best := _best(choice):
            return best
    if accuracy:
        return None
    others = [c for c in named.values() if c.usable and not _BOOKKEEPING & set(words(c.name))]
    return max(others, key=lambda c: (c.points, c.name)).name if others else LOSS


def _training(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [c for c in candidates if not EVALUATION & set(words(c.name))]


def _best(candidates: Iterable[Candidate]) -> str | None:
    """The likeliest: a loss or an accuracy and nothing else, of numbers, with most points."""
    ranked = sorted(candidates, key=lambda c: (_place(c.name) > 1, not c.usable, -c.points, _place(c.name), c.name))
    return ranked[0].name if ranked else None


def _place(name: str) -> int:
    return next((p for p in (_loss_place(name), _accuracy_place(name)) if p is not None), 9)


def _loss_place(name: str) -> int | None:
    """How surely a name is that of a loss, 0 the surest; None where it is none."""
    if name.casefold() == LOSS:
        return 0
    said = words(name)
    if core_words(name) == {LOSS}:
        return 1
    if any(word.endswith("loss") for word in said):
        return 2
    return 3 if _OTHER_LOSSES & set(said) else None


def _accuracy_place(name: str) -> int | None:
    """How surely a name is that of an accuracy, 0 the surest; None where it is none."""
    if name.casefold() in (ACC, "accuracy"):
        return 0
    said = words(name)
    if core_words(name) == {ACC}:
        return 1
    if ACC in said or any(word.endswith("accuracy") for word in said):
        return 2
    return 3 if _OTHER_ACCURACIES & set(said) else None


def likely_first(names: Iterable[str]) -> tuple[str, ...]:
    """Order names so that those come first whose series may be judged."""
    return tuple(sorted(names, key=lambda n: (_place(n), bool(_BOOKKEEPING & set(words(n))), n)))
