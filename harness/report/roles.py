"""Says which series were judged as the loss and as the accuracy, where nobody had named them."""

from harness.evidence.models import Evidence
from harness.judging.metric_series import judged, main_run, series

ROLES = {"loss": "the loss", "acc": "the accuracy"}


def told_roles(evidence: Evidence) -> str:
    """Return `train/loss as the loss, val_acc as the accuracy`; nothing where metrics were named or there are none."""
    if not evidence.request.expect_auto or main_run(evidence) is None:
        return ""
    found = ((role, name) for role, name in judged(evidence).items() if series(evidence, role))
    return ", ".join(f"{name} as {ROLES.get(role, role)}" for role, name in found)
