"""Reads which rehearsals are asked for, and refuses what cannot be rehearsed."""

import re
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from harness.settings.model import Outage, Requeue, SettingsError

Rehearse = Literal["", "outage", "requeue", "all"]
_When = Literal["start", "middle", "end"]
_How = Literal["refuse", "5xx", "silence", "slow", "401"]
USUAL = (
    Outage("start", "refuse"), Outage("middle", "refuse"), Outage("middle", "5xx"), Outage("middle", "silence"),
    Outage("middle", "401"), Outage("end", "refuse"),
)  # fmt: skip
"""What is played without a plan: each way to be gone, and each moment, once."""


class Asked(NamedTuple):
    """What is to be rehearsed."""

    rehearse: Rehearse = ""
    outages: tuple[Outage, ...] = ()
    requeues: tuple[Requeue, ...] = ()


def rehearsals(values: Mapping[str, str | None], on: set[str], source: str, job: Path | None) -> Asked:
    """Return what to rehearse, and the outages and requeues to play.

    Raises:
        SettingsError: the plan cannot be read, or the rehearsal does not fit what is verified.
    """
    asked, plan = values["wandb_rehearse"], values["wandb_rehearse_plan"]
    if not asked:
        if plan:
            raise SettingsError("--rehearse-plan chooses what to play: add --rehearse all, or leave it out.")
        return Asked()
    if values["lumi_attach"] or "lumi_dry_run" in on:
        raise SettingsError("--rehearse starts jobs of its own: leave --lumi-attach and --lumi-dry-run out.")
    if source != "job":
        raise SettingsError("--rehearse starts the job again and again, so it cannot judge what already ran.")
    if "wandb_offline" in on:
        raise SettingsError("--rehearse is for a job that logs online: leave --offline out.")
    kind = next(word for word in get_args(Rehearse) if word == asked)
    if "lumi" in on:
        if kind != "requeue" or plan:
            raise SettingsError("With --lumi only the requeue is rehearsed, as Slurm does it: --rehearse requeue.")
        return Asked(kind, (), ("sigterm",))
    if values["wandb_server"] == "real":
        raise SettingsError("--rehearse needs the embedded server, which can be taken away: leave --server real out.")
    if plan:
        return Asked(kind, *_narrowed(kind, plan))
    usual: tuple[Requeue, ...] = get_args(Requeue) if _handles_usr1(job) else ("sigterm", "kill", "twice")
    return Asked(kind, () if kind == "requeue" else USUAL, () if kind == "outage" else usual)


def _handles_usr1(job: Path | None) -> bool:
    """Whether a script names the signal; the built-in job does."""
    return job is None or (job.is_file() and "USR1" in job.read_text(encoding="utf-8", errors="replace"))


def _narrowed(kind: Rehearse, plan: str) -> tuple[tuple[Outage, ...], tuple[Requeue, ...]]:
    """What a plan names, and nothing else."""
    outages, requeues = cases(plan)
    if outages and kind == "requeue":
        raise SettingsError("--rehearse-plan names an outage, and --rehearse requeue plays none: leave it out.")
    if requeues and kind == "outage":
        raise SettingsError("--rehearse-plan names a requeue, and --rehearse outage plays none: leave it out.")
    return outages, requeues


def cases(plan: str) -> tuple[tuple[Outage, ...], tuple[Requeue, ...]]:
    """Read `start,middle refuse,5xx` and `sigterm,kill`, with or without a cross between.

    Of an outage named by its moment all kinds are meant, and of one named by its kind all moments.

    Raises:
        SettingsError: a word is none of these.
    """
    words = [word for word in re.split(r"[\s,×]+", plan.lower()) if word and word != "x"]
    known = (get_args(_When), get_args(_How), get_args(Requeue))
    if wrong := next((word for word in words if not any(word in some for some in known)), None):
        moments, kinds, ends = (", ".join(some) for some in known)
        raise SettingsError(
            f"--rehearse-plan: {wrong!r} is neither a moment ({moments}) nor a kind of outage ({kinds}) nor one of "
            f"requeue ({ends})."
        )
    if not words:
        raise SettingsError("--rehearse-plan: nothing is named; write such as 'start,middle × refuse,5xx'.")
    when, how, requeues = ([one for one in some if one in words] for some in known)
    pairs = product(when or known[0], how or known[1]) if when or how else ()
    return tuple(Outage(moment, kind) for moment, kind in pairs), tuple(requeues)
