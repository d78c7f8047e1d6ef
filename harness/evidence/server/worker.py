"""The reader's own process: answers questions about runs with `wandb.Api()`, one JSON line for each.

It stands apart so that nothing of the user's W&B settings misleads the reader, and so that a request
that hangs can be ended. Run as `python -m harness.evidence.server.worker`; requests come on stdin.
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, NoReturn

from harness.evidence.redaction.redactor import cut

LONGEST = 600
"""Characters of what one exception says."""
PAGE = 50
"""Runs read in full of one job; more are counted only."""
NEIGHBOURS = """query HarnessNeighbours(
  $entity: String!, $project: String!, $run: String!, $filters: JSONString, $first: Int
) {
  project(name: $project, entityName: $entity) {
    run(name: $run) { ...Neighbour }
    runCount(filters: $filters)
    runs(filters: $filters, first: $first, order: "+created_at") { edges { node { ...Neighbour } } }
  }
}
fragment Neighbour on Run {
  name displayName state tags group jobType sweepName config createdAt heartbeatAt historyLineCount user { username }
}"""
"""Fields of the SDK's own queries (wandb/apis/public/runs.py); its listing drops the config's `_wandb`."""
COUNTS = """query HarnessCounts($entity: String!, $project: String!, $run: String!) {
  project(name: $project, entityName: $entity) { run(name: $run) { logLineCount eventsLineCount } }
}"""
"""Fields of the SDK's own RunResumeStatus query."""
SERIES = """query RunSampledHistory($entity: String!, $project: String!, $run: String!, $specs: [JSONString!]!) {
  project(name: $project, entityName: $entity) { run(name: $run) { sampledHistory(specs: $specs) } }
}"""
"""The SDK's own query of that name, for several series at once."""
SAMPLES = 200
SYSTEM_SAMPLES = 500
SYSTEM_VALUES = 200_000
"""So many values of system metrics are read at most: 64 nodes with 8 GPUs have 4,000 metrics."""


def samples_of(metrics: Mapping[str, Any] | None) -> int:
    """Return how many samples of each system metric to read; enough to tell a metric that moves from one that rests."""
    return max(20, min(SYSTEM_SAMPLES, SYSTEM_VALUES // max(1, len(metrics or ()))))


class Worker:
    """Holds one `wandb.Api` and answers requests until stdin ends."""

    def __init__(self) -> None:
        import wandb

        self._wandb = wandb
        self._api: Any = None
        self.requests = 0

    def api(self) -> Any:
        """Log in on first use; the constructor verifies the key."""
        if self._api is None:
            self.requests += 1
            self._api = self._wandb.Api(
                timeout=int(os.environ["HARNESS_READER_TIMEOUT"]), api_key=os.environ["WANDB_API_KEY"]
            )
        return self._api

    def hello(self, _: dict[str, Any]) -> dict[str, Any]:
        """Say which SDK reads."""
        return {"version": self._wandb.__version__}

    def viewer(self, _: dict[str, Any]) -> dict[str, Any]:
        """Say who the key belongs to."""
        self.requests += 1
        user = self.api().viewer
        return {"username": user.username, "entity": user.entity, "teams": list(user.teams)}

    def find(self, request: dict[str, Any]) -> dict[str, Any]:
        """List the runs of a project that match a filter: at most `PAGE` in full, and how many there are."""
        api = self.api()
        api.flush()
        self.requests += 1
        runs = api.runs(
            f"{request['entity']}/{request['project']}" if request["entity"] else request["project"],
            filters=request["filters"],
            order="+created_at",
            per_page=PAGE,
            lazy=False,
        )
        total = len(runs)
        found = [self._attributes(runs[i]) for i in range(min(total, PAGE))]
        return {"total": total, "runs": found}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Read one run by its path."""
        self.requests += 1
        api = self.api()
        api.flush()
        run = api.run("/".join((request["entity"], request["project"], request["id"])))
        run.load_full_data()
        return self._attributes(run)

    def neighbours(self, request: dict[str, Any]) -> dict[str, Any]:
        """List runs that may belong with one, and that one beside them: one request, whatever their number."""
        names = {key: request[key] for key in ("entity", "project", "run")}
        filters = json.dumps(request["filters"])
        project = self._graphql(NEIGHBOURS, **names, filters=filters, first=PAGE)["project"]
        return {
            "run": _plain(project["run"]),
            "runs": [_plain(edge["node"]) for edge in project["runs"]["edges"]],
            "total": project["runCount"],
        }

    def _graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """Ask what the public API has no method for, through the API's own connection (wandb 0.27 and newer)."""
        self.requests += 1
        answer: dict[str, Any] = self.api()._service_api.execute_graphql(query, variables)  # noqa: SLF001 - as above
        return answer

    def part(self, request: dict[str, Any]) -> Any:
        """Read one part of what a listing lacks: the SDK's own config, system metrics, files, counts, a series."""
        api = self.api()
        names = {"entity": request["entity"], "project": request["project"], "run": request["id"]}
        readers: dict[str, Callable[[Any], Any]] = {
            # A listing loses what the SDK keeps under `_wandb` (0.31 parses its runs twice); a single run has it.
            "internal": lambda run: dict(run.rawconfig or {}).get("_wandb") or {},
            "system": lambda run: run.history(samples=samples_of(run.system_metrics), pandas=False, stream="system"),
            "files": self._files,
            "counts": lambda _: self._graphql(COUNTS, **names)["project"]["run"],
            "metadata": lambda run: run.metadata,
            "series": lambda _: self._series(request["keys"], names),
        }
        self.requests += request["part"] not in ("counts", "series")
        return readers[request["part"]](api.run("/".join(names.values())))

    def _series(self, keys: list[str], names: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
        """Sample each series by itself, all in one request: rows that hold every key may be few, or none."""
        specs = [json.dumps({"keys": ["_step", key, "_timestamp"], "samples": SAMPLES}) for key in keys]
        sampled = self._graphql(SERIES, **names, specs=specs)["project"]["run"]["sampledHistory"]
        return dict(zip(keys, sampled, strict=True))

    def _files(self, run: Any) -> list[str]:
        """Name the first 100 files; the SDK takes an answer of null for a run without files."""
        listing = run.files(per_page=100)
        names = sorted(file.name for file in self._first(listing, 100))
        if not ((listing.last_response["project"] or {}).get("run") or {}).get("files"):
            raise ValueError("the server answered null in place of the run's files")
        return names

    @staticmethod
    def _first(items: Any, limit: int) -> Iterator[Any]:
        for index, item in enumerate(items):
            if index >= limit:
                return
            yield item

    @staticmethod
    def _attributes(run: Any) -> dict[str, Any]:
        """Take what the public API says of a run; names as the API has them."""
        user = getattr(run, "user", None)
        return {
            "entity": run.entity,
            "project": run.project,
            "id": run.id,
            "name": run.name,
            "state": run.state,
            "url": run.url,
            "created_at": getattr(run, "created_at", None),
            "heartbeat_at": getattr(run, "heartbeat_at", None),
            "tags": list(run.tags or ()),
            "group": getattr(run, "group", None),
            "job_type": getattr(run, "job_type", None),
            "username": getattr(user, "username", None),
            "config": dict(run.config or {}),
            "summary": dict(run.summary_metrics or {}),
            "system": dict(run.system_metrics or {}),
            "history_keys": getattr(run, "history_keys", None) or {},
            "rows": getattr(run, "history_line_count", None),
        }

    def _troubles(self) -> tuple[type[Exception], ...]:
        """Errors that a read may end with: the SDK raises ValueError and TypeError for odd answers.

        wandb-core's refusals have a class of their own, outside `wandb.errors` (0.28 to 0.31). Anything else ends
        this process, which the parent tells as trouble too.
        """
        from wandb.sdk.lib.service import service_connection

        refused = getattr(service_connection, "WandbApiFailedError", RuntimeError)
        return (
            self._wandb.errors.Error, refused, OSError, ValueError, TypeError, AttributeError, LookupError,
            RuntimeError,
        )  # fmt: skip

    def serve(self, stdin: IO[str], stdout: IO[str]) -> NoReturn:
        """Answer each line of requests with one line; ends with stdin."""
        operations = {
            "hello": self.hello, "viewer": self.viewer, "find": self.find, "run": self.run, "part": self.part,
            "neighbours": self.neighbours,
        }  # fmt: skip
        requests: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(stdin, requests), daemon=True).start()
        while True:
            request = json.loads(requests.get())
            answer: dict[str, Any]
            try:
                answer = {"ok": True, "result": operations[request["operation"]](request)}
            except self._troubles() as error:
                answer = {"ok": False, "trouble": describe(error)}
                self._api = None if self._api is None or not self._api.api_key else self._api
            answer |= {"number": request["number"], "requests": self.requests}
            stdout.write(json.dumps(answer, default=str) + "\n")
            stdout.flush()


def _plain(run: dict[str, Any]) -> dict[str, Any]:
    """Flatten what the server says of a run in a listing."""
    return {**run, "tags": list(run["tags"] or ()), "username": (run.pop("user") or {}).get("username")}


def _listen(stdin: IO[str], requests: "queue.SimpleQueue[str]") -> None:
    """Pass requests on; when the parent is gone, so is this process, also from the midst of a request."""
    for line in stdin:
        requests.put(line)
    os._exit(0)


def describe(error: BaseException) -> dict[str, str]:
    """Name the exception and the chain of what caused it; words that one says after another are said once."""
    texts: list[str] = []
    current: BaseException | None = error
    while current is not None and len(texts) < 5:
        name, words = type(current).__name__, cut(str(current), LONGEST)
        texts.append(name if any(words in text for text in texts) else f"{name}: {words}")
        current = current.__cause__ or current.__context__
    return {"type": type(error).__name__, "text": " <- ".join(dict.fromkeys(texts))}


def main() -> None:
    """Keep stdout for answers: whatever the SDK prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    Worker().serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
