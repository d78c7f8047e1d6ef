"""ReFrame: does Weights & Biases work for DDP training here? Wraps `lumi-wandb check`; sanity comes from its verdict.

On LUMI, from a login node (the harness submits its own job, so ReFrame runs it locally):

    reframe -c examples/reframe/wandb_check.py -r -S WandbCheck.options=--lumi,--lumi-account=project_465000000

Inside a job that ReFrame submits, with the embedded W&B server: `-S WandbCheck.local=no`.
"""

import json
import sys
from pathlib import Path

import reframe as rfm
import reframe.utility.sanity as sn
import reframe.utility.typecheck as typ
from reframe.core.builtins import run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

CLONE = Path(__file__).resolve().parents[2]


@rfm.simple_test
class WandbCheck(rfm.RunOnlyRegressionTest):
    """Weights & Biases works for DDP training."""

    descr = "Weights & Biases works for DDP training"
    valid_systems = ["*"]
    valid_prog_environs = ["*"]
    tags = {"wandb", "ml"}
    maintainers = ["user support"]
    local = True
    time_limit = "90m"
    keep_files = ["report"]

    clone = variable(str, value=str(CLONE))
    """Where the harness is."""
    python = variable(str, value="")
    """Interpreter with the harness installed; the clone's `.venv` where it has one, else ReFrame's own."""
    options = variable(typ.List[str], value=[])
    """Options of `lumi-wandb check`; none: a local job and the embedded W&B server."""

    @run_before("run")
    def compose_command(self) -> None:
        """Call the harness from the stage folder."""
        own = Path(self.clone) / ".venv" / "bin" / "python"
        self.executable = self.python or (str(own) if own.exists() else sys.executable)
        self.executable_opts = [
            "-m", "harness", "check", "--report", "report", *self.options,
        ]  # fmt: skip

    @property
    def verdict(self) -> dict:
        """The verdict, once the harness has run.

        Raises:
            SanityError: there is none.
        """
        try:
            return json.loads((Path(self.stagedir) / "report" / "verdict.json").read_text())
        except (OSError, ValueError) as error:
            raise SanityError(f"no verdict: {error}; see {self.stdout} and {self.stderr}") from None

    @sanity_function
    def wandb_works(self) -> object:
        """Pass where the verdict is passed; else say cause and cure."""
        verdict = self.verdict
        cause = next((f for f in verdict["findings"] if f["id"] == verdict["root_cause"]), None)
        told = f"{verdict['verdict']}: {verdict['root_cause'] or 'see report/report.html'}"
        if cause:
            told += f": {cause['title']}. {cause['advice'][0] if cause['advice'] else ''}"
        return sn.assert_eq(verdict["verdict"], "passed", msg=told.replace("{", "{{").replace("}", "}}"))

    @run_before("performance")
    def take_timings(self) -> None:
        """Make a performance variable of each timing: seconds until run, point and system metric could be seen."""
        self.perf_variables = {
            name: sn.make_performance_function(sn.defer(seconds), "s")
            for name, seconds in self.verdict["timings"].items()
        }
