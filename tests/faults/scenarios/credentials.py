"""Scenarios about API keys."""

from tests.faults.scenario import Scenario

SCENARIOS = (
    Scenario(name="no-key", expect="auth-no-key", env={"WANDB_API_KEY": None}, failed=("test_api_key_is_configured",)),
)
