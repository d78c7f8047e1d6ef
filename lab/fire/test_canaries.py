"""Keys that lie everywhere get into no report, no output, no process argument and no file, whatever the way in."""

import subprocess
import zipfile

import pytest

from lab.fire.canaries import NEW, OLD, OTHER, PASSWORD, PLANTED, left, told, watched_processes
from tests.faults.run import REPOSITORY, stage_of
from tests.ways_in.ways import ask

pytestmark = pytest.mark.slow
FORMS = ("verdict.json", "evidence.json", "report.html", "summary.md", "junit.xml", "step.md")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with stage_of(PLANTED, tmp_path_factory.mktemp("canaries") / "stage") as stage:
        yield stage


@pytest.fixture(scope="module")
def look(place):
    """Verify by one way in, and gather every place where a canary shows."""

    def through(*options, **env):
        junit, step = place.root / "junit.xml", place.root / "step.md"
        with watched_processes(place.home) as arguments:
            named = {"GITHUB_STEP_SUMMARY": str(step), **env}
            answer = ask(place, *options, "--junit-xml", str(junit), "-rA", env=named)
        assert answer.verdict is not None, answer.output
        seen = {p.name for p in (*answer.report.iterdir(), junit, step) if p.exists()}
        assert set(FORMS) <= seen
        return answer, [*told(answer.output), *arguments, *left(place)]

    return through


@pytest.fixture(scope="module")
def live(look):
    return look("--server", "real", "--job", "train.py", "--nproc", "1")


def test_a_job_that_prints_logs_and_tracks_its_key(live):
    answer, leaks = live
    assert answer.verdict["verdict"] == "passed", answer.output
    assert not leaks
    assert "[redacted]" in (answer.report / "job.log").read_text()
    assert answer.verdict["runs"][0]["name"] == "run [redacted]"


def test_a_traceback_with_a_key(look):
    answer, leaks = look("--server", "real", "--job", "train.py", "--nproc", "1", CANARY_RAISES="1")
    assert answer.verdict["verdict"] == "failed"
    assert not leaks


def test_a_run_whose_page_is_given_with_a_password_and_a_key(place, live, look):
    run = live[0].verdict["runs"][0]
    host = place.env["WANDB_BASE_URL"].partition("//")[2]
    page = f"http://bob:{PASSWORD}@{host}/{run['entity']}/{run['project']}/runs/{run['id']}?api_key={NEW}"
    # What the user types is on the user's command line; nothing else may have it there.
    answer, leaks = look("--run", page)
    assert answer.verdict["verdict"] == "passed", answer.output
    assert not [leak for leak in leaks if "-m pytest" not in leak]


@pytest.mark.parametrize("way", ["run-dir", "job-log", "replay"])
def test_what_is_on_disk(place, live, look, way):
    report = live[0].report
    raw = place.work / "raw.log"
    raw.write_text(f"key {OLD} {NEW} http://bob:{PASSWORD}@h/ {OTHER}\nEpoch 1, Loss: 0.5\n")
    saved = report / "evidence.json"
    options = {
        "run-dir": ("--run-dir", "wandb", "--job-log", str(raw)),
        "job-log": ("--job-log", str(raw)),
        "replay": ("--replay", str(saved)),
    }[way]
    _, leaks = look(*options)
    raw.unlink()
    assert not [leak for leak in leaks if "raw.log" not in leak]


def test_evidence_of_others_is_scrubbed_too(place, live, look):
    saved = place.work / "theirs.json"
    text = (live[0].report / "evidence.json").read_text().replace('"run [redacted]"', f'"run {NEW} {OTHER}"')
    saved.write_text(text)
    _, leaks = look("--replay", str(saved))
    saved.unlink()
    assert not [leak for leak in leaks if "theirs.json" not in leak]


@pytest.mark.parametrize("value", [f"http://u:{PASSWORD}@h/{NEW}", NEW, OLD])
def test_an_option_that_is_refused_does_not_repeat_the_key(place, value):
    answer = ask(place, "--run", value)
    assert answer.exit_code == 4
    assert not told(answer.output)


def test_the_bundle_for_support(place, live):
    packed = place.work / "bundle.zip"
    command = [place.python, "-m", "harness", "bundle", str(live[0].report), "--output", str(packed)]
    env = {**place.env, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=place.work, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(packed) as bundle:
        texts = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert any(name.startswith("runs/") for name in texts), "the SDK's logs are in it"
    assert not [f"{name}: {leak}" for name, text in texts.items() for leak in told(text)]
    assert not told(done.stdout + done.stderr)
