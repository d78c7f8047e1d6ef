"""The reader's end of an SDK: run by each version's own interpreter, reads one run every way and prints JSON."""

import json
import sys

import wandb


def outcome(call):
    """The value of a call, or the kind of error that it raised."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - the kind of error is what is asked for
        return f"{type(error).__name__}: {error}"


def main(run_id):
    api = wandb.Api()
    path = f"loopback/compat/{run_id}"
    run = api.run(path)
    paged = api.runs("loopback/compat", order="+created_at", per_page=2)
    text = run.file("extra.txt").download(root="downloads", replace=True)
    listing = run.files()
    return {
        "viewer": api.viewer.username,
        "default_entity": api.default_entity,
        "teams": sorted(api.viewer.teams),
        "projects": [project.name for project in api.projects("loopback")],
        "count": len(paged),
        "paged": [found.id for found in paged],
        "reversed": [found.id for found in api.runs("loopback/compat", order="-created_at")],
        "tagged": [found.id for found in api.runs("loopback/compat", filters={"tags": "ddp"})],
        "grouped": [found.id for found in api.runs("loopback/compat", filters={"group": "the group"})],
        "failed": [found.id for found in api.runs("loopback/compat", filters={"state": "failed"})],
        "either": [
            found.id
            for found in api.runs(
                "loopback/compat", filters={"$or": [{"state": "failed"}, {"config.learning_rate": {"$lt": 1}}]}
            )
        ],
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "config": dict(run.config),
        "summary": {key: run.summary.get(key) for key in ("loss", "acc", "_step")},
        "tags": sorted(run.tags),
        "group": run.group,
        "job_type": run.job_type,
        "notes": run.notes,
        "user": run.user.username,
        "created_at": run.created_at,
        "last_step": run.lastHistoryStep,
        "history_keys": run.history_keys,
        "history": run.history(pandas=False),
        "sampled": run.history(keys=["loss", "acc"], pandas=False),
        "scan": list(run.scan_history()),
        "scan_keys": list(run.scan_history(keys=["acc"])),
        "system": run.history(stream="system", pandas=False),
        "system_metrics": run.system_metrics,
        "files": sorted(file.name for file in listing),
        "sizes": {file.name: file.size for file in listing},
        "download": text.read(),
        "metadata_host": (run.metadata or {}).get("host"),
        "no_run": outcome(lambda: api.run("loopback/compat/nothing")),
        "no_project": outcome(lambda: len(api.runs("loopback/nothing"))),
        "closed": outcome(lambda: api.run("someone-else/project/run")),
    }


if __name__ == "__main__":
    sys.stdout.write(f"PROBE {json.dumps(main(sys.argv[1]))}\n")
