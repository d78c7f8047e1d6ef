"""Evidence of every scenario, recorded when it was played: judged again in milliseconds; `record` plays them anew.

python -m tests.faults.recorded [-j N] [-k PART]
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from pydantic_core import from_json

from harness.evidence.models import Evidence
from harness.judging.decision import Decision, decide
from harness.judging.judge import tell
from harness.judging.verdict import Verdict
from harness.verification.saved_evidence import without_retired
from tests.faults.run import Played, play, remove
from tests.faults.run import judge as compared
from tests.faults.scenario import Scenario
from tests.faults.scenarios import BY_FAMILY
from tests.repository import REPOSITORY

FOLDER = Path(__file__).with_name("recordings")


class Recordings(Mapping[str, Evidence]):
    """The recorded evidence of each scenario, by its name; what nobody asks for is not validated."""

    def __init__(self) -> None:
        self._raw = {name: raw for path in _files() for name, raw in _read(path).items()}
        self._names = tuple(self._raw)
        self._found: dict[str, Evidence] = {}

    def __getitem__(self, name: str) -> Evidence:
        if name not in self._found:
            self._found[name] = Evidence.model_validate(without_retired(self._raw.pop(name)))
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@cache
def recordings() -> Recordings:
    """Every recording; they are read once."""
    return Recordings()


@cache
def chosen(fits: Callable[[Evidence], bool]) -> Sequence[str]:
    """Names of the recordings that fit."""
    return sorted(name for name, evidence in recordings().items() if fits(evidence))


@cache
def decision(name: str) -> Decision:
    """What is decided of a recording, without the words and the cures."""
    return decide(recordings()[name])


@cache
def verdict(name: str) -> Verdict:
    """What the judge says of a recording."""
    return tell(decision(name))


def _files() -> list[Path]:
    return sorted(FOLDER.glob("*.json.xz"))


def _read(path: Path) -> dict[str, object]:
    return from_json(lzma.decompress(path.read_bytes())) if path.exists() else {}


def impersonal(text: str) -> str:
    """Take this machine out of evidence: where the clone, the interpreter, the home and the temporary folders lie."""
    text = re.sub(r'"PATH": "[^"]*"', '"PATH": "/usr/bin:/bin"', text)
    text = re.sub(r"/tmp/scenario-[\w.+-]+?-\w{8}(?=[/\"\\: ])", "/tmp/scenario", text)
    for real, name in ((sys.prefix, "/venv"), (str(REPOSITORY), "/clone"), (sys.base_prefix, "/python")):
        text = text.replace(real, name)
    return text


def write(family: str, found: Mapping[str, object], names: Iterable[str]) -> None:
    """Keep the recordings of these names: those that were not made anew as they are, and none of another name."""
    path = FOLDER / f"{family}.json.xz"
    every = {**_read(path), **found}
    kept = {name: every[name] for name in names if name in every}
    FOLDER.mkdir(exist_ok=True)
    path.write_bytes(lzma.compress(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode(), preset=9))


def evidence_of(played: Played) -> object | None:
    """What a verification saved, free of this machine; None where it saved nothing."""
    path = next((played.folder / "report").rglob("evidence.json"), None)
    return json.loads(impersonal(path.read_text())) if path else None


def _record(scenario: Scenario) -> tuple[str, object | None]:
    played = play(scenario)
    judgement = compared(played)
    sys.stdout.write(f"{scenario.name}: {judgement.result} {'; '.join(judgement.problems)[:300]}\n")
    raw = evidence_of(played)
    remove(played)
    return scenario.name, raw


def _chosen(part: str) -> Iterable[tuple[str, list[Scenario]]]:
    for family, scenarios in BY_FAMILY.items():
        found = [s for s in scenarios if any(part in text for text in (family, s.name, s.expect or ""))]
        yield family, [s for s in found if not (s.why_not and s.why_not())]


def main(argv: Sequence[str] | None = None) -> int:
    """Play what was asked for, and keep its evidence."""
    cli = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    cli.add_argument("-j", "--jobs", type=int, default=2, help="scenarios at a time")
    cli.add_argument("-k", "--part", default="", help="only scenarios whose name, fault or family holds this")
    options = cli.parse_args(argv)
    with ThreadPoolExecutor(options.jobs) as pool:
        for family, scenarios in _chosen(options.part):
            if scenarios:
                found = {name: raw for name, raw in pool.map(_record, scenarios) if raw is not None}
                write(family, found, [scenario.name for scenario in BY_FAMILY[family]])
    return 0


if __name__ == "__main__":
    sys.exit(main())
