"""Rules for the family init: a framework trains, and nobody told it to log to W&B."""

from collections.abc import Iterator

from harness.evidence.models import Evidence
from harness.judging.frameworks import FRAMEWORKS, logging_framework
from harness.judging.metric_series import all_series, main_run
from harness.judging.rule import Hit, Rule
from harness.judging.view import made_no_run


def without_logger(evidence: Evidence) -> Iterator[Hit]:
    """A job that trained well with a framework, and of whose training W&B has nothing."""
    job, setup = evidence.job, evidence.setup
    look = setup.script if setup else None
    if look is None or job is None or job.ending != "completed" or look.logs_itself:
        return
    bare = [name for name in look.frameworks if name in FRAMEWORKS]
    # TRL is built on Transformers, and Accelerate lies under both.
    if not bare or logging_framework(evidence):
        return
    if made_no_run(evidence):
        fails: tuple[str, ...] = ("test_init_succeeded",)
        seen = "The job ended well and made no run."
    elif main_run(evidence) is not None and not _trained(evidence):
        fails = ("test_series_is_present", "test_series_has_every_point")
        seen = "The run is there, and holds no metric."
    else:
        return
    variables = setup.place.variables if setup else {}
    off = (f"WANDB_DISABLED={variables['WANDB_DISABLED']}.",) if variables.get("WANDB_DISABLED") else ()
    attach = FRAMEWORKS[bare[0]]
    observed = (seen, f"{evidence.request.job_path} trains with {attach.name}, which is not told of W&B.", *off)
    values = {"framework": attach.name, "framework_key": bare[0], "attach": attach.attach}
    yield Hit(id="init-framework-without-logger", observed=observed, values=values, fails=fails)


def _trained(evidence: Evidence) -> bool:
    return any(view.usable for key, view in all_series(evidence).items() if not key.startswith("_"))


RULES: tuple[Rule, ...] = (without_logger,)
