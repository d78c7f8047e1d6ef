"""What the container's Python tells before a job is sent, and what a list of software tells where it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.evidence.models import Setup
from harness.evidence.setup.collect import collect_setup
from harness.evidence.setup.interpreter import Asked, ask_interpreter
from harness.evidence.setup.job_settings import read_job_settings
from harness.settings.model import Settings, SlurmSettings
from harness.settings.site import Site
from harness.targets.slurm.commands import Slurm
from harness.targets.slurm.container import Image, interpreter, seen
from harness.targets.slurm.preflight import Ground
from tests.in_ci import real_part
from tests.targets.slurm.double import Double

RUNS = f"""#!/bin/sh
[ "$1" = run ] || exit 1
shift 3
export WANDB_PROJECT="${{SINGULARITYENV_WANDB_PROJECT-$WANDB_PROJECT}}"
case "$LOADED" in
  yes) echo Welcome; exec {sys.executable} "$@" ;;
  *) exec {sys.executable} -S "$@" ;;
esac
"""
"""A container whose start script activates the environment with wandb, which a module of the site names."""
LOADED = Site(modules=("module purge", "export LOADED=yes"))


@pytest.fixture
def double(tmp_path: Path) -> Double:
    return Double(tmp_path / "bin")


@pytest.fixture
def image(tmp_path: Path, double: Double) -> Path:
    path = tmp_path / "own.sif"
    path.write_text("")
    (double.folder / "singularity").write_text(RUNS)
    return path


def look(image: Path, double: Double, site: Site, **env: str) -> tuple[Image, Asked]:
    """What is told of the image."""
    here = read_job_settings({**double.env(), "HOME": str(image.parent), **env}, image.parent)
    asked = ask_interpreter(interpreter(image, site), here, None)
    return seen(image, asked, site, Slurm(double.env())), asked


@real_part
def test_the_image_is_asked_the_way_the_job_starts_it(image: Path, double: Double) -> None:
    import wandb

    found, asked = look(image, double, LOADED)
    assert (found.wandb, found.certainly_without) == (wandb.__version__, False)
    assert asked.python
    assert asked.python.executable == "python in own.sif"
    assert asked.sdk.mode == "online"


@real_part
def test_the_settings_are_those_within_the_container(image: Path, double: Double) -> None:
    _, asked = look(image, double, LOADED, WANDB_PROJECT="outside", SINGULARITYENV_WANDB_PROJECT="inside")
    assert (asked.sdk.project, asked.sdk.changed_variables) == ("inside", ("WANDB_PROJECT",))


def test_where_the_sites_modules_are_not_there_a_missing_wandb_is_not_certain(image: Path, double: Double) -> None:
    double.says("module", {}, {"code": 1, "err": "unknown module"}, {})
    found, _ = look(image, double, Site())
    assert (found.wandb, found.certainly_without) == ("missing", False)
    double.says("module", {})
    assert look(image, double, Site())[0].certainly_without


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ('{"python": [{"name": "torch", "version": "2.10"}, {"name": "wandb", "version": "0.26.0"}]}', "0.26.0"),
        ('{"components": [{"name": "wandb", "version": "0.25.1", "type": "library"}]}', "0.25.1"),
        ('{"packages": [{"name": "wandb", "versionInfo": "0.24.0"}]}', "0.24.0"),
        ('{"python": [{"name": "torch", "version": "2.10"}]}', "missing"),
        ("[", None),
    ],
)
def test_a_list_of_software_tells_where_the_container_cannot_be_started(
    image: Path, double: Double, listed: str, expected: str | None
) -> None:
    double.says("singularity", {"code": 255, "err": "FATAL: no namespaces"})
    image.with_suffix(".json").write_text(listed)
    (double.folder / "singularity").write_text("#!/bin/sh\necho 'FATAL: no namespaces' >&2; exit 255\n")
    found, asked = look(image, double, Site())
    assert (found.wandb, found.certainly_without) == (expected, False)
    assert asked.sdk.trouble
    assert asked.sdk.trouble.text == "FATAL: no namespaces"


def ground(image: Path | None, double: Double, job: Path | None = None, site: str = "modules: []\n") -> Setup:
    """The setup of a Slurm job that brings this image."""
    cwd = double.folder.parent
    (cwd / "site.yaml").write_text(site)
    slurm = SlurmSettings(container=image, site=cwd / "site.yaml")
    settings = Settings(target="slurm", source="job", server="real", cwd=cwd, job=job, slurm=slurm)
    env = {**double.env(), "HOME": str(cwd), "WANDB_MODE": "offline", "LOADED": "yes"}
    here, found = read_job_settings(env, cwd), Ground(settings, env)
    return found.fitted(collect_setup(here, found.ask(here), script=job, probe_server=False))


@real_part
def test_the_setup_is_that_of_the_container(image: Path, double: Double) -> None:
    setup = ground(image, double)
    assert setup.python
    assert (setup.python.executable, setup.python.wandb_kind) == ("python in own.sif", "package")
    assert setup.sdk
    assert setup.sdk.mode == "offline"


def test_the_list_stands_in_for_the_python(image: Path, double: Double) -> None:
    (double.folder / "singularity").write_text("#!/bin/sh\nexit 255\n")
    image.with_suffix(".json").write_text('{"python": [{"name": "wandb", "version": "0.26.0"}]}')
    setup = ground(image, double)
    assert setup.python
    assert (setup.python.wandb_kind, setup.python.wandb_version) == ("package", "0.26.0")
    assert setup.mode.winning.value == "offline"


def test_an_image_that_is_gone_is_not_asked(tmp_path: Path, double: Double) -> None:
    setup = ground(tmp_path / "gone.sif", double)
    assert setup.sdk
    assert setup.sdk.trouble
    assert setup.sdk.trouble.text == "no such image"
    assert not double.calls("singularity")


@real_part
def test_of_a_batch_script_the_python_is_not_known(tmp_path: Path, double: Double) -> None:
    (tmp_path / "mine.sh").write_text("#!/bin/bash\n")
    setup = ground(None, double, tmp_path / "mine.sh")
    assert setup.python is None
    assert setup.sdk
    assert setup.sdk.mode == "offline"
