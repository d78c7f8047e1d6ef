"""What training scripts do with artifacts and sweeps: run by each version's own interpreter, prints what it saw."""

import json
import os
import sys
from pathlib import Path

import wandb

PLACE = "loopback/compat"


def answer(value):
    sys.stdout.write("PROBE " + json.dumps(value) + "\n")


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_text() for path in sorted(Path(folder).rglob("*")) if path.is_file()
    }


def logged(run, content, **options):
    Path("data/sub").mkdir(parents=True, exist_ok=True)
    Path("data/a.txt").write_text(content)
    Path("data/sub/b.txt").write_text("B")
    artifact = wandb.Artifact("model", "model", metadata={"k": 1}, description="what it is")
    artifact.add_dir("data")
    run.log_artifact(artifact, **options)
    return artifact.wait()


def artifacts():
    seen = {}
    with wandb.init(project="compat", id="writer") as run:
        first = logged(run, "one", aliases=["best"])
        again = logged(run, "one")
        second = logged(run, "two")
        seen["versions"] = [first.version, again.version, second.version]
        used = run.use_artifact("model:best")
        seen["downloaded"] = files(used.download(root="whole"))
        seen["prefix"] = files(used.download(root="part", path_prefix="sub"))
        seen["cached"] = files(used.download(root="again"))
        seen["entry"] = Path(used.get_path("a.txt").download(root="entry")).read_text()
        run.link_artifact(used, "shelf", aliases=["prod"])
        table = wandb.Table(columns=["a", "b"], data=[[1, "x"], [2, "y"]])
        holder = wandb.Artifact("table", "dataset")
        holder.add(table, "t")
        holder.add_reference(Path("data/sub/b.txt").resolve().as_uri(), name="near")
        run.log_artifact(holder).wait()
        seen["table"] = run.use_artifact("table:latest").get("t").data
        run.log({"table": table, "histogram": wandb.Histogram(np_histogram=([1, 2], [0, 1, 2]))})
    with wandb.init(project="compat", id="reader", job_type="eval") as run:
        run.use_artifact("model:latest").download(root="latest")
    answer(seen | read())


def read():
    api = wandb.Api()
    model = api.artifact(f"{PLACE}/model:v0")
    seen = {
        "aliases": sorted(model.aliases),
        "metadata": dict(model.metadata),
        "description": model.description,
        "size": model.size,
        "logged_by": model.logged_by().id,
        "used_by": [run.id for run in api.artifact(f"{PLACE}/model:latest").used_by()],
        "logged": sorted(found.name for found in api.run(f"{PLACE}/writer").logged_artifacts()),
        "used": sorted(found.name for found in api.run(f"{PLACE}/reader").used_artifacts()),
        "listed": [found.version for found in api.artifacts("model", f"{PLACE}/model")],
        "types": sorted(kind.name for kind in api.artifact_types(PLACE)),
        "collections": sorted(found.name for found in api.artifact_collections(PLACE, "model")),
        "linked": api.artifact(f"{PLACE}/shelf:prod").version,
        "files": sorted(file.name for file in model.files()),
    }
    model.aliases.append("checked")
    model.description = "what it was"
    model.metadata["more"] = 2
    model.save()
    fresh = wandb.Api().artifact(f"{PLACE}/model:checked")
    seen["changed"] = [fresh.version, fresh.description, fresh.metadata]
    wandb.Api().artifact(f"{PLACE}/model:v1").delete(delete_aliases=True)
    seen["left"] = [found.version for found in wandb.Api().artifacts("model", f"{PLACE}/model")]
    return seen


def sweep():
    tried = []

    def train():
        with wandb.init() as run:
            tried.append(run.config["x"])
            run.log({"loss": 1 / run.config["x"]})

    config = {"method": "grid", "metric": {"name": "loss", "goal": "minimize"}, "parameters": {"x": {"values": [1, 2]}}}
    name = wandb.sweep(config, project="compat", entity="loopback")
    wandb.agent(name, train, project="compat", entity="loopback")
    wandb.setup()
    found = wandb.Api().sweep(f"{PLACE}/{name}")
    answer(
        {
            "tried": tried,
            "state": found.state,
            "best": found.best_run().config["x"],
            "runs": len(found.runs),
            "expected": found.expected_run_count,
        }
    )


def branches():
    with wandb.init(project="compat", id="parent") as run:
        for step in range(6):
            run.log({"loss": step})
    with wandb.init(project="compat", id="fork", fork_from="parent?_step=2") as run:
        run.log({"loss": 30})
    with wandb.init(project="compat", id="parent", resume_from="parent?_step=1") as run:
        run.log({"loss": 20})
    api = wandb.Api()
    answer({name: [row["loss"] for row in api.run(f"{PLACE}/{name}").scan_history()] for name in ("fork", "parent")})


def queue():
    try:
        seen = wandb.Api().run_queue("loopback", "queue").id
    except Exception as error:  # noqa: BLE001 - whatever the SDK makes of the refusal is the answer
        seen = str(error)
    answer({"seen": seen})


if __name__ == "__main__":
    os.environ.setdefault("WANDB_SILENT", "true")
    {"artifacts": artifacts, "sweep": sweep, "branches": branches, "queue": queue}[sys.argv[1]]()
