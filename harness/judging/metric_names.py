"""Finds the names that a user may have meant: `train/loss` or `Loss` where `loss` was expected."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

_SYNONYMS = {
    "accuracy": "acc",
    "top1": "acc",
    "acc1": "acc",
    "losses": "loss",
    "lr": "learning",
    "learningrate": "learning",
}
_FRAMING = frozenset({
    "train", "training", "trn", "val", "valid", "validation", "eval", "evaluation", "test", "epoch", "step", "batch",
    "iter", "avg", "average", "mean", "total", "running", "final", "rank", "rank0", "model", "metrics", "metric", "log",
})  # fmt: skip
"""Words around a metric's name that say which part of training it was taken in, not what it is."""


def close_names(expected: str, existing: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Return existing names that may stand for the expected one, likeliest first; an empty tuple where none is close.

    Likeness, best first: the same letters whatever the case; the same words after `train`, `val`, `epoch` and
    similar ones are taken away (`train_loss`, `loss/epoch`, `Accuracy` for `acc`); the expected word among the words
    of the name (`cross_entropy_loss`); a similar spelling (`los`).
    """
    others = (name for name in existing if name != expected and not name.startswith("_"))
    placed = ((place, name) for name in others if (place := _place(expected, name)) is not None)
    return tuple(name for _, name in sorted(placed)[:limit])


def _place(expected: str, name: str) -> tuple[int, float] | None:
    """Where the name comes among the close ones, the kind of likeness first; None where it is not close."""
    if name.casefold() == expected.casefold():
        return 0, 0.0
    wanted, core = core_words(expected), core_words(name)
    if wanted == core:
        # Training comes before validation where both are there.
        return 1, len({"val", "valid", "validation", "test", "eval", "evaluation"} & set(words(name)))
    if wanted and wanted <= core:
        return 2, len(core)
    # difflib's own advice for a good match is 0.6; names are short, so stricter.
    if 2 * min(len(expected), len(name)) < 0.75 * (len(expected) + len(name)):
        return None  # too unlike in length to be alike in letters
    ratio = SequenceMatcher(None, expected.casefold(), name.casefold()).ratio()
    return (3, -ratio) if ratio >= 0.75 else None


def core_words(name: str) -> frozenset[str]:
    """The words of a name without those that say in which part of training it was taken; all, where nothing is left."""
    said = words(name)
    kept = frozenset(w for w in said if w not in _FRAMING)
    return kept or frozenset(said)


def words(name: str) -> tuple[str, ...]:
    """The words of a name in small letters, each in one way of writing it: `Accuracy/top1` is acc, acc."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(_SYNONYMS.get(w, w) for w in re.findall(r"[a-z]+\d*|\d+", parted.casefold()))
