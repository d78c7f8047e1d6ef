"""`lumi-wandb completion`: a completion for bash that starts no Python."""

import sys
from collections.abc import Iterable, Sequence

from harness.commands.arguments import Parser
from harness.settings.options import OPTIONS

SCRIPT = """\
# Completion of lumi-wandb for bash:  eval "$(lumi-wandb completion)"
_lumi_wandb() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{verbs}" -- "$word"))
    return
  fi
  case $before in
{choices}  esac
  case ${{COMP_WORDS[1]}} in
    check|preflight) words="{options}" ;;
    watch) words="--project --user --once --until --on-problem --expect --report --history --help" ;;
    explain) words="--log" ;;
    faults) words="--family --markdown" ;;
    bundle) words="--output" ;;
    loopback) words="--port --api-key" ;;
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    *) compopt -o default; COMPREPLY=() ;;
  esac
}}
complete -F _lumi_wandb lumi-wandb
"""


def main(argv: Sequence[str], verbs: Iterable[str]) -> int:
    """Print the script."""
    Parser(prog="lumi-wandb completion", description="Print the completion for bash.").parse_args(argv)
    choices = "".join(
        f'    {o.flag}) COMPREPLY=($(compgen -W "{" ".join(o.choices)}" -- "$word")); return ;;\n'
        for o in OPTIONS
        if o.choices
    )
    options = " ".join([*(o.flag for o in OPTIONS), "--help"])
    sys.stdout.write(SCRIPT.format(verbs=" ".join(verbs), options=options, choices=choices))
    return 0
