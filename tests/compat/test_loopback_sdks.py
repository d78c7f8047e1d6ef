"""The loopback backend under the unmodified SDK, from the guide's version to the newest, at both ends."""

from __future__ import annotations

import math

import pytest

from tests.compat.conftest import HERE, Sdk
from tests.in_ci import ends_in_ci

VERSIONS = ("0.19.5", "0.24.2", "0.26.1", "0.28.2", "0.30.0", "0.31.0")
# These send the console of a resumed run from line 0 again: their upsert drops every offset but that of the history.
FORGETS_CONSOLE_ON_RESUME = ("0.24.2", "0.26.1")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("sdk", ends_in_ci(*VERSIONS), indirect=True),
    pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning"),
]


def stored(sdk: Sdk, run_id: str):
    run = sdk.server.store.run("loopback", "compat", run_id)
    assert run is not None
    return run


def test_a_run_from_both_ends(sdk: Sdk) -> None:
    seen = sdk.probe("job_probe.py", "log")
    assert sdk.run(str(sdk.python), str(HERE / "job_probe.py"), "fail").returncode == 1
    read = sdk.probe("reader_probe.py", seen["id"])

    run = stored(sdk, seen["id"])
    assert (run.state, run.exit_code) == ("finished", 0)
    assert [row["loss"] for row in run.history] == [1.0, 0.5, "NaN", "Infinity", 0.25, 0.125]
    assert run.console[:2] == ["loss 1.0", "loss 0.5"]
    assert run.events
    assert run.raw_config["_wandb"]["value"]["cli_version"] == sdk.version

    assert (read["viewer"], read["default_entity"]) == ("loopback-user", "loopback")
    assert read["teams"] == ["loopback", "loopback-team"]
    assert read["projects"] == ["compat"]
    assert (read["count"], read["paged"]) == (2, [seen["id"], "fails"])
    assert read["reversed"] == ["fails", seen["id"]]
    assert read["tagged"] == read["grouped"] == [seen["id"]]
    assert read["failed"] == ["fails"]
    assert sorted(read["either"]) == sorted(["fails", seen["id"]])
    assert (read["id"], read["name"], read["state"]) == (seen["id"], "Example run", "finished")
    assert read["config"] == {"learning_rate": 0.1, "model": {"depth": 2}}
    assert read["summary"] == {"loss": 0.125, "acc": 10, "_step": 5}
    assert read["tags"] == ["ddp", "guide"]
    assert (read["group"], read["job_type"], read["notes"]) == ("the group", "train", "some notes")
    assert read["user"] == "loopback-user"
    assert read["last_step"] == read["history_keys"]["lastStep"] == 5
    assert read["history_keys"]["keys"]["acc"]["typeCounts"] == [{"type": "number", "count": 6}]
    assert {t["type"]: t["count"] for t in read["history_keys"]["keys"]["loss"]["typeCounts"]} == {
        "number": 4,
        "string": 2,
    }
    assert read["history_keys"]["keys"]["nested.inner"]["previousValue"] == 1
    assert [row["loss"] for row in read["history"]] == [1.0, 0.5, "NaN", "Infinity", 0.25, 0.125]
    assert read["sampled"][0] == {"_step": 0, "loss": 1.0, "acc": 10}
    assert [row["_step"] for row in read["scan"]] == [0, 1, 2, 3, 4, 5]
    assert [row["acc"] for row in read["scan_keys"]] == [10] * 6
    assert read["system"]
    assert any(key.startswith("system.") for key in read["system_metrics"])
    assert {"config.yaml", "extra.txt", "output.log", "requirements.txt", "wandb-metadata.json"} <= set(read["files"])
    assert read["sizes"]["extra.txt"] == 6
    assert read["download"] == "extra\n"
    assert read["metadata_host"]
    assert read["no_run"].startswith(("CommError", "ValueError", "RunNotFoundError"))
    assert read["no_project"].startswith(("ValueError", "CommError"))
    assert "permission" in read["closed"].lower()


def test_a_healthy_run_is_quick_and_logs_no_error(sdk: Sdk) -> None:
    seen = sdk.probe("job_probe.py", "log")
    assert seen["init_s"] < 30  # no timeout of the SDK ran out
    assert seen["finish_s"] < 2
    bad = [line for line in sdk.internal_logs() if '"level":"ERROR' in line or '"level":"WARN' in line]
    assert bad == []


def test_resume_continues_where_the_run_ended(sdk: Sdk) -> None:
    first = sdk.probe("job_probe.py", "log")
    again = sdk.probe("job_probe.py", "resume", first["id"], "must")
    assert (again["id"], again["resumed"], again["first_step"]) == (first["id"], True, 6)
    run = stored(sdk, first["id"])
    assert [row["_step"] for row in run.history] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert sorted(run.tags) == ["ddp", "guide"]
    assert run.config["learning_rate"] == 0.1
    assert run.state == "finished"
    assert "loss 0.05" in run.console
    assert ("loss 1.0" in run.console) == (sdk.version not in FORGETS_CONSOLE_ON_RESUME)


def test_resume_rules(sdk: Sdk) -> None:
    missing = sdk.run(str(sdk.python), str(HERE / "job_probe.py"), "resume", "unheard-of", "must")
    assert missing.returncode == 1
    assert "has not been initialized" in missing.stderr
    first = sdk.probe("job_probe.py", "log")
    exists = sdk.run(str(sdk.python), str(HERE / "job_probe.py"), "resume", first["id"], "never")
    assert exists.returncode == 1
    assert "already exists" in exists.stderr
    fresh = sdk.probe("job_probe.py", "resume", "brand-new", "allow")
    assert fresh["first_step"] == 0


def test_a_run_id_used_again_goes_on_after_the_rows_that_are_there(sdk: Sdk) -> None:
    sdk.probe("job_probe.py", "shared")
    sdk.probe("job_probe.py", "shared")
    run = stored(sdk, "shared")
    assert [row["_step"] for row in run.history] == [0, 0, 1, 1]
    assert run.state == "finished"


def test_a_killed_job_counts_as_crashed_after_its_last_heartbeat(sdk: Sdk) -> None:
    sdk.run(str(sdk.python), str(HERE / "job_probe.py"), "kill")
    run = stored(sdk, "killed")
    assert run.state == "running"
    sdk.ahead_s[0] = 400
    assert run.state == "crashed"


def test_login_and_sync_of_an_offline_run(sdk: Sdk) -> None:
    login = sdk.wandb("login", "--relogin", "--host", sdk.server.url, sdk.server.api_key, WANDB_API_KEY="")
    assert login.returncode == 0, login.stderr
    assert sdk.server.api_key in (sdk.home / ".netrc").read_text()
    before = len(sdk.server.store.runs())
    seen = sdk.probe("job_probe.py", "offline")
    assert len(sdk.server.store.runs()) == before == 0
    sync = sdk.wandb("sync", seen["dir"])
    assert sync.returncode == 0, sync.stderr
    run = stored(sdk, "offline1")
    assert run.state == "finished"
    assert (run.display_name, run.tags) == ("Offline run", ["later"])
    assert [row["loss"] for row in run.history] == [1.0, 0.5, "NaN", "Infinity", 0.25, 0.125]
    assert run.summary["loss"] == 0.125
    assert not math.isnan(run.created_at)
