"""Each framework with its real package, as its users write it: what `lumi-wandb check` says of the script."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integrations.cases import CASES, JOBS, Case
from tests.repository import REPOSITORY

pytestmark = pytest.mark.slow


def lacking(needs: str) -> list[str]:
    """The modules that are not installed."""
    return [name for name in needs.split() if importlib.util.find_spec(name) is None]


def played(case: Case, folder: Path) -> tuple[dict[str, object], str]:
    """Verify the script in a folder of its own; returns the verdict and what was printed."""
    home, work = folder / "home", folder / "work"
    home.mkdir()
    work.mkdir()
    (work / "train.py").write_text(case.text(), encoding="utf-8")
    shutil.copytree(JOBS / "hydra_conf", work / "hydra_conf")
    if lacks := case.env.get("LACKS"):
        config = work / "hydra_conf" / "config.yaml"
        config.write_text(config.read_text().replace(f"{lacks}: ", f"{lacks}: ???  # "))
    env = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB", "SLURM", "PYTEST", "HARNESS"))}
    # DeepSpeed compiles what it needs, once.
    env |= {
        "TORCH_EXTENSIONS_DIR": str(Path.home() / ".cache" / "torch_extensions"),
        "HOME": str(home),
        "PYTHONPATH": str(REPOSITORY),
        "TOKENIZERS_PARALLELISM": "false",
        **case.env,
    }
    command = [
        sys.executable,
        "-m",
        "harness",
        "check",
        "--job",
        "train.py",
        "--report",
        str(folder / "r"),
        *case.options,
    ]
    done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, timeout=300, check=False)
    told = done.stdout + done.stderr
    found = next((folder / "r").rglob("verdict.json"), None)
    assert found is not None, told
    return json.loads(found.read_text(encoding="utf-8")), told


@pytest.mark.parametrize("name", CASES)
def test_the_script_is_judged_right(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = CASES[name]
    if missing := lacking(case.needs):
        pytest.skip(f"{', '.join(missing)} not installed: pip install -e '.[frameworks]'")
    # wandb-core puts sockets below the temporary folder, and a socket's path has 107 characters at most.
    verdict, told = played(case, tmp_path_factory.mktemp("f"))
    assert verdict["root_cause"] == case.root, told
    if case.root is None:
        assert verdict["verdict"] == "passed" if case.passes else verdict["verdict"] != "failed", told
        return
    first = json.dumps(next(f for f in verdict["findings"] if f["id"] == case.root), ensure_ascii=False)
    assert [words for words in case.says if json.dumps(words)[1:-1] not in first] == [], told
