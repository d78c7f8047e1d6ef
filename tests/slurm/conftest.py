"""One laboratory for all tests against a real Slurm; a user with a W&B account of their own for each."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.loopback.server import LoopbackServer
from tests.evidence.gpu.standins import Node, install
from tests.slurm.daemons import belonging
from tests.slurm.laboratory import Laboratory, missing
from tests.slurm.playing import Player
from tests.slurm.recording import FOLDER, keep

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder: they need packages and take their time."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slurm)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def lab() -> Iterator[Laboratory]:
    """The laboratory; skipped with a reason where it cannot be, unless REQUIRE_SLURM refuses the skip."""
    if reason := missing():
        if os.environ.get("REQUIRE_SLURM"):
            pytest.fail(reason)
        pytest.skip(reason)
    root = Path(tempfile.mkdtemp(prefix="slurm-lab-"))
    try:
        with Laboratory(root) as laboratory:
            yield laboratory
        assert not belonging(str(root)), "the laboratory left processes behind"
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="session")
def amd_library(lab: Laboratory) -> Path:
    """The folder of the stand-in for AMD's library, for nodes with eight busy GCDs."""
    return Path(install(Node(), lab.root / "amd", "")["LD_LIBRARY_PATH"])


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """The W&B server."""
    with LoopbackServer() as running:
        yield running


@pytest.fixture
def player(
    lab: Laboratory, server: LoopbackServer, amd_library: Path, request: pytest.FixtureRequest
) -> Iterator[Player]:
    """A user on the login node; their jobs end with the test, and their evidence is kept where that is asked for."""
    with tempfile.TemporaryDirectory(prefix="user-", dir=lab.root) as folder:
        user = Player(lab, server, Path(folder), gpus=amd_library)
        yield user
        if folder_to_keep := os.environ.get(FOLDER):
            keep(user.root, Path(folder_to_keep), request.node.name)
        lab.run("scancel", "--user", "root")
        lab.settle()
