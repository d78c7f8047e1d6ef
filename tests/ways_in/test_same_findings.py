"""Each way in says of a run what the live verification said of it, as far as what it reads can tell."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace

import pytest

from tests.faults.scenario import init_job
from tests.faults.scenarios import EVERY
from tests.faults.scenarios.end_of_run import kill
from tests.ways_in.ways import Answer, Place, verified

CRASHES_SOON = {"crash_after_s": 1.0}
"""The server gives up a silent run after a second, in place of five minutes."""
LOSSES = {"end-lost-local-buffer", "end-last-15s-lost"}
"""The same loss, told by the disk or by the server."""
EVERY_WAY = ("run", "run-and-output", "folder", "folder-and-output", "output")
JOBS = {
    "healthy": (EVERY["ok-plain"], EVERY_WAY),
    # The server alone shows a run that still runs.
    "stream-refused": (EVERY["stream-403"], tuple(way for way in EVERY_WAY if way != "run")),
    "killed": (replace(EVERY["killed"], server=CRASHES_SOON), EVERY_WAY),
    "one-run-per-rank": (EVERY["every-rank"], ("run", "folder", "output")),
    # Output alone does not say which epochs were logged, nor as what.
    "nan-loss": (EVERY["loss-nan"], ("run", "folder")),
    "script-fails": (EVERY["script-fails"], ("run-and-output", "folder")),
    # Without the output, nothing tells that `loss` was meant.
    "loss-renamed-offline": (EVERY["loss-renamed-offline"], ("folder-and-output",)),
}


def options(place: Place, way: str) -> tuple[str, ...]:
    """What a user types to go this way."""
    log = ("--job-log", str(place.job_log))
    run = ("--server", "real", "--run", place.runs[0]) if place.runs else ()
    ways = {"run": run, "run-and-output": (*run, *log), "folder": ("--run-dir", "wandb"),
            "folder-and-output": ("--run-dir", "wandb", *log), "output": log}  # fmt: skip
    return ways[way]


def judged(answer: Answer) -> tuple[object, object]:
    """All that a replay must repeat."""
    assert answer.verdict is not None, answer.output
    checks = [(c["name"], c["outcome"], c["reason"]) for c in answer.verdict["checks"]]
    return answer.verdict["findings"], checks


@pytest.mark.slow
@pytest.mark.parametrize("name", JOBS)
def test_each_way_in_says_what_was_said_live(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    scenario, ways = JOBS[name]
    # wandb-core puts sockets below the temporary folder, and a socket's path has 107 characters at most.
    root = tmp_path_factory.mktemp("w")
    with verified(scenario, root) as place:
        live = place.live
        assert live.root_cause == scenario.expect, live.output
        wanted = {live.root_cause} - {None}
        problems = []
        for way in ways:
            found = place.ask(*options(place, way))
            beside = found.said - live.said - (LOSSES if live.said & LOSSES else set())
            # An offline run is one that still has to be uploaded, where its folder is what was asked about.
            beside -= {"sync-never-run"} if "--offline" in scenario.options else set()
            if found.root_cause != live.root_cause or beside or not wanted <= found.said:
                problems.append(f"{way}: root cause {found.root_cause}, said {sorted(found.said)}")
            if name == "healthy" and found.exit_code != 0:
                problems.append(f"{way}: exit code {found.exit_code}, {found.outcomes('not_checked')}")
        assert not problems, f"live: {live.root_cause}, {sorted(live.said)}; " + "; ".join(problems)
        assert judged(place.ask("--replay", live.report / "evidence.json")) == judged(live)


KILLED_WITH_MAIL = replace(
    EVERY["killed"],
    job=init_job(train='print("MY_SECRET_PLACE=/nowhere"); print("ask jane@example.org"); ' + kill(9)),
)


@pytest.mark.slow
def test_a_bundle_is_judged_as_its_job_was(tmp_path_factory: pytest.TempPathFactory) -> None:
    with verified(KILLED_WITH_MAIL, tmp_path_factory.mktemp("w")) as place:
        target = place.stage.work / "support.zip"
        packed = place.python("-m", "harness", "bundle", place.live.report, "--output", target)
        assert packed.returncode == 0, packed.stderr
        again = place.ask("--replay", target)
        assert again.root_cause == place.live.root_cause == "end-crashed-heartbeat"
        assert again.said == place.live.said
        with zipfile.ZipFile(target) as bundle:
            texts = {name: bundle.read(name).decode() for name in bundle.namelist()}
        whole = "\n".join(texts.values())
        for secret in (place.stage.server.api_key, "jane@example.org", "=/nowhere", "loopback-user@example.invalid"):
            assert secret not in whole
        assert json.loads(texts["verdict.json"])["root_cause"] == "end-crashed-heartbeat"
        assert any(name.endswith("debug-internal.log") for name in texts)
        assert "MY_SECRET_PLACE" in texts["CONTENTS.txt"]
