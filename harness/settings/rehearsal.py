"""Reads which rehearsals are asked for, and refuses what cannot be rehearsed."""

import re
from collections.abc import Mapping
from itertools import product
from typing import Literal, get_args

from harness.settings.model import Outage, SettingsError

Rehearse = Literal["", "outage", "requeue", "all"]
_When = Literal["start", "middle", "end"]
_How = Literal["refuse", "5xx", "silence", "slow", "401"]
USUAL = (
    Outage("start", "refuse"), Outage("middle", "refuse"), Outage("middle", "5xx"), Outage("middle", "silence"),
    Outage("middle", "401"), Outage("end", "refuse"),
)  # fmt: skip
"""What is played without a plan: each way to be gone, and each moment, once."""


def rehearsals(values: Mapping[str, str | None], on: set[str], source: str) -> tuple[Rehearse, tuple[Outage, ...]]:
    """Return what to rehearse and the outages to play.

    Raises:
        SettingsError: the plan cannot be read, or the rehearsal does not fit what is verified.
    """
    asked, plan = values["wandb_rehearse"], values["wandb_rehearse_plan"]
    if not asked:
        if plan:
            raise SettingsError("--rehearse-plan chooses outages to play: add --rehearse outage, or leave it out.")
        return "", ()
    if "lumi" in on or values["lumi_attach"] or "lumi_dry_run" in on:
        raise SettingsError("--rehearse plays on this machine with the embedded server: leave --lumi out.")
    if source != "job":
        raise SettingsError("--rehearse starts the job again and again, so it cannot judge what already ran.")
    if values["wandb_server"] == "real":
        raise SettingsError("--rehearse needs the embedded server, which can be taken away: leave --server real out.")
    if "wandb_offline" in on:
        raise SettingsError("--rehearse is for a job that logs online: leave --offline out.")
    if plan and asked == "requeue":
        raise SettingsError("--rehearse-plan chooses outages, and --rehearse requeue plays none: leave it out.")
    kind = next(word for word in get_args(Rehearse) if word == asked)
    return kind, () if kind == "requeue" else outages(plan) if plan else USUAL


def outages(plan: str) -> tuple[Outage, ...]:
    """Read `start,middle refuse,5xx`, with or without a cross between; without moments or kinds, all of them are meant.

    Raises:
        SettingsError: a word is neither a moment nor a kind.
    """
    words = [word for word in re.split(r"[\s,×]+", plan.lower()) if word and word != "x"]
    if wrong := next((word for word in words if word not in (*get_args(_When), *get_args(_How))), None):
        moments, kinds = (", ".join(get_args(words_of)) for words_of in (_When, _How))
        raise SettingsError(f"--rehearse-plan: {wrong!r} is neither a moment ({moments}) nor a kind ({kinds}).")
    if not words:
        raise SettingsError("--rehearse-plan: nothing is named; write such as 'start,middle × refuse,5xx'.")
    when, how = ([w for w in get_args(every) if w in words] or get_args(every) for every in (_When, _How))
    return tuple(Outage(moment, kind) for moment, kind in product(when, how))
