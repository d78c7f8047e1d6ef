"""Where an option was typed, its variable would change nothing: the option is told."""

from harness.judging.cures.typed_options import as_options

TEXT = "Ask for less:\n  export HARNESS_LUMI_TIME=00:10:00 HARNESS_LUMI_NODES=1\n  export WANDB_MODE=offline"


def test_every_variable_of_the_line_is_told_as_its_option():
    told = as_options(TEXT, ["HARNESS_LUMI_NODES"]).splitlines()
    assert told[1] == "  --lumi-time 00:10:00 --lumi-nodes 1        # in the command, in place of what you typed"
    assert told[2] == "  export WANDB_MODE=offline"


def test_a_value_that_bash_works_out_stays_whole():
    text = 'Take it:\n  export HARNESS_LUMI_CONTAINER="$(ls /appl/*.sif | tail -n 1)"'
    assert '--lumi-container "$(ls /appl/*.sif | tail -n 1)"  ' in as_options(text, ["HARNESS_LUMI_CONTAINER"])


def test_a_variable_whose_option_was_not_typed_stays():
    assert as_options(TEXT, ["HARNESS_LUMI_GPUS"]) == TEXT
