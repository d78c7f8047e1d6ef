"""Verifies that Weights & Biases really works for DDP training on LUMI."""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - LUMI's login nodes have 3.6; this file alone must be readable for it
    sys.exit(
        "The harness needs Python 3.10 or newer: on LUMI, module load cray-python, then make a virtual environment."
    )

__all__ = ["judge", "verify"]


def __getattr__(name: str) -> object:
    """Bring `verify` and `judge` only where they are used: importing the package costs nothing."""
    if name == "judge":
        from harness.judging.judge import judge

        return judge
    if name == "verify":
        from harness.verification.verify import verify

        return verify
    raise AttributeError(name)
