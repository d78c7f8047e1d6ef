"""The name of a run that the user did not name: two words and a number, as W&B gives one."""

from __future__ import annotations

import hashlib

FIRST = """
    amber autumn balmy blooming brisk calm celestial classic cosmic crisp curious dainty daring deep denim devoted
    earnest easy eager electric fallen fanciful feasible flowing fresh gentle glad golden graceful happy hardy
    honest icy jolly kind likely lilac lively lunar lucky magic mild misty morning northern olive peach pleasant
    polar proud quiet rare royal rural scarlet serene silver smooth snowy soft solar spring stellar still summer
    sunny sweet swift upbeat valiant vital vivid warm wild winter wise young zesty
"""
SECOND = """
    armadillo aardvark bee bird blaze breeze brook bush butterfly cherry cloud darkness dawn deluge disco dream dust
    eagle elevator energy etchings feather fire firefly flower fog forest fox frog frost galaxy gorge grass haze
    hill jazz lake leaf lion meadow monkey moon morning mountain music night oath paper pine plant planet plasma
    pond pyramid rain resonance river sea serenity shadow silence sky smoke snow snowball sound sponge star sun
    sunset surf thunder tree valley vortex water waterfall wave wildflower wind wood yogurt
"""


def generated(run_id: str, number: int, *, in_sweep: bool = False) -> str:
    """Such a name: the words follow from the id, so that a store that is read again gives the same name.

    W&B's pages show `earnest-sunset-1` (docs.wandb.ai/models/runs/run-identifiers) and `pleasant-flower-4`; the
    second word of a run of a sweep is `sweep`.
    """
    digest = hashlib.sha256(run_id.encode()).digest()
    first, second = FIRST.split(), SECOND.split()
    word = "sweep" if in_sweep else second[digest[1] % len(second)]
    return f"{first[digest[0] % len(first)]}-{word}-{number}"
