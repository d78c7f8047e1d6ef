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
    scored = [(_distance(expected, name), name) for name in existing if name != expected and not name.startswith("_")]
    return tuple(name for _, name in sorted(s for s in scored if s[0] < _FAR)[:limit])


_FAR = 9.0


def _distance(expected: str, name: str) -> float:
    if name.casefold() == expected.casefold():
        return 0.0
    wanted, words = _core(expected), _core(name)
    if wanted == words:
        # Training comes before validation where both are there.
        return 1.0 if not {"val", "valid", "validation", "test", "eval"} & set(_words(name)) else 1.5
    if wanted and wanted <= words:
        return 2.0 + 0.01 * len(words)
    # difflib's own advice for a good match is 0.6; names are short, so stricter.
    ratio = SequenceMatcher(None, expected.casefold(), name.casefold()).ratio()
    return 4.0 - ratio if ratio >= 0.75 else _FAR


def _core(name: str) -> frozenset[str]:
    words = _words(name)
    kept = frozenset(w for w in words if w not in _FRAMING)
    return kept or frozenset(words)


def _words(name: str) -> tuple[str, ...]:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(_SYNONYMS.get(w, w) for w in re.findall(r"[a-z]+\d*|\d+", parted.casefold()))
