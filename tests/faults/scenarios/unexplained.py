"""Scenarios that no rule explains: the finding is `unknown`, and shows what bears on it."""

from tests.faults.scenario import Scenario, init_job

NO_RUN = ("test_init_succeeded",)
SILENT = """
import wandb
try:
    run = wandb.init(project="scenario", config=CONFIG)
except Exception:
    run = None
for e in range(3):
    epoch(e)
"""
AGAIN = 'train(run); run.finish(); more = wandb.init(project="evaluation"); more.log({"x": 1.0}); more.finish()'
CAUGHT = """
import traceback, urllib.request
try:
    urllib.request.urlopen("http://127.0.0.1:9/weights", timeout=2)
except OSError:
    traceback.print_exc()
print("ERROR: 401 Unauthorized, timed out, out of memory: none of it is true")
"""

SCENARIOS = (
    Scenario(
        name="rank-compared-as-a-text",
        expect="unknown",
        job='writes = os.environ["RANK"] == 0\n' + init_job(guard="if writes:") + "[epoch(e) for e in range(3)]\n",
        failed=NO_RUN,
    ),
    Scenario(
        name="missing-key-swallowed",
        expect="unknown",
        job='os.environ.pop("WANDB_API_KEY")\n' + SILENT,
        failed=NO_RUN,
    ),
    Scenario(
        name="second-run-of-one-process",
        expect="unknown",
        job=init_job(train=AGAIN),
        nproc=2,
        failed=("test_exactly_one_run",),
    ),
    Scenario(name="ok-errors-that-were-caught", job=init_job(before=CAUGHT)),
)
