"""`python -m harness explain`: one fault in full, or the faults whose texts are in a log."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from harness.commands.arguments import Parser
from harness.evidence.models import Evidence
from harness.evidence.output.reader import read_output
from harness.evidence.redaction.redactor import Redactor
from harness.judging.advice import common_values
from harness.judging.catalogue import Advice, Entry, Symptom, catalogue
from harness.judging.cures.proven import proven
from harness.judging.findings import fill, with_command
from harness.settings.places import usual_check

SEVERITIES = ("error", "warning", "info")
SHORTEST = 12
"""Texts shorter than this match too much to say anything."""


def main(argv: Sequence[str]) -> int:
    """`explain FAULT_ID` or `explain --log FILE`."""
    parser = Parser(prog="lumi-wandb explain")
    parser.add_argument("fault", nargs="?", metavar="FAULT_ID")
    parser.add_argument("--log", type=Path, metavar="FILE")
    options = parser.parse_args(argv)
    if options.log:
        return _explain_log(parser, options.log)
    entry = catalogue().get(options.fault or "")
    if entry is None:
        near = get_close_matches(options.fault or "", catalogue(), n=3, cutoff=0.5)
        hint = f"; did you mean {', '.join(near)}?" if near else "; `lumi-wandb faults` lists them"
        parser.error(f"no fault is called {options.fault!r}{hint}" if options.fault else "name a fault, or --log FILE")
    page(entry, Console())
    return 0


IN_GENERAL = {
    "script": "<your script>",
    "sdk_version": "<version>",
    "mode_look": "Look where it is set:\n  grep -nE 'WANDB_MODE|mode *=' <your script>",
    "one_run": "Let the framework make the run, and only on rank 0",
    "attach": "# the framework's own lines; docs/frameworks.md has them",
    "often": "2",
    "job_args": "# a verification shows the line for your case",
    "mend": "# a verification shows the line for your case",
    "number_mend": 'Log a number in place of it:\n  run.log({"loss": loss.item()})',
}
"""What stands for the pieces of advice that only a case can fill."""


def generic_values() -> dict[str, str]:
    """Return what a page shows in place of the names that a verification would know."""
    return {**common_values(Evidence()), **IN_GENERAL}


def page(entry: Entry, console: Console) -> None:
    """Print one fault in full."""
    console.print(f"[bold]{entry.id}[/bold]  ({entry.severity}, {entry.family.replace('_', ' ')})", highlight=False)
    values = generic_values()
    console.print(escape(fill(entry.title, values)), highlight=False)
    console.print("\n" + escape(fill(entry.meaning, values)), highlight=False)
    if entry.symptoms:
        console.print("\n[bold]What you may have seen[/bold]")
    for symptom in entry.symptoms:
        console.print("  " + escape(symptom.text.strip().replace("\n", "\n  ")), highlight=False, soft_wrap=True)
        if symptom.versions:
            console.print(f"    wandb {escape(symptom.versions)}", style="dim", highlight=False)
    console.print("\n[bold]What to do[/bold]")
    for advice in advised(entry):
        told = with_command(fill(advice.shown, values), usual_check()).rstrip().replace("\n", "\n    ")
        kind = f"{CURES[advice.cure]}: " if advice.cure else ""
        console.print(f"  - {escape(kind + condition(advice.when) + told)}", highlight=False, soft_wrap=True)
    if share := proven().told(entry.id):
        console.print("\n" + escape(share), highlight=False)
    console.print(f"\nGuide section: {escape(entry.guide_section)}", highlight=False)
    for link in entry.links:
        console.print(escape(link), highlight=False, soft_wrap=True)


def advised(entry: Entry) -> Iterator[Advice]:
    """Each piece of advice; of those that show the same lines, and differ by what only a case can tell, the first."""
    shown: set[tuple[str, ...]] = set()
    for advice in entry.advice:
        lines = fill(advice.shown, generic_values()).splitlines()
        code = tuple(line for line in lines if line.startswith("  "))
        same = (condition(advice.when), *code)
        if not code or same not in shown:
            yield advice
        shown.add(same)


CURES = {
    "shell": "commands", "settings": "commands, for settings", "edit": "edit of the script", "outside": "outside",
}  # fmt: skip
"""How a cure is carried out, for whom it is only explained."""
WHEN = {
    "lumi": "on LUMI", "local": "on your machine", "slurm": "in a Slurm job", "container": "in a container",
    "loopback": "with the embedded server", "cloud": "on wandb.ai", "self_hosted": "with a server of your own",
    "offline": "offline", "ran": "after the job", "key_here": "with a key here", "not key_here": "without a key here",
    "server_in_script": "if the script names the server", "entity_in_script": "if the script names the entity",
    "batch": "in a batch script", "not batch": "without a batch script", "job": "in a job",
}  # fmt: skip


def condition(when: str | None) -> str:
    """Say in words when a piece of advice holds: `with wandb <0.23.1: `."""
    if when is None:
        return ""
    parts = []
    for part in when.split(" and "):
        if "=" in part.replace("<=", "").replace(">=", "") or "given " in part:
            continue  # what a rule found out in the one case
        negated, name = part.startswith("not "), part.removeprefix("not ").strip()
        words = WHEN.get(name, f"with {name.removeprefix('set ').replace('sdk', 'wandb ')}")
        parts.append(WHEN.get(part) or (f"not {words}" if negated else words))
    return f"({', '.join(parts)}) " if parts else ""


def _explain_log(parser: Parser, path: Path) -> int:
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            found = sorted(matches(lines), key=lambda match: SEVERITIES.index(match[0].severity))
    except OSError as error:
        parser.error(f"{path} cannot be read: {error.strerror}")
    console = Console()
    if not found and (told := raised(path)):
        console.print(f"[bold]end-failed-exitcode[/bold] {escape(told)}", highlight=False, soft_wrap=True)
        console.print("  The script raised this itself: mend it there. No known fault's text is in this log.")
    elif not found:
        console.print("No known fault's text is in this log. `--job-log` with the run or its folder says more.")
        return 0
    for entry, number, line in found:
        console.print(f"[bold]{entry.id}[/bold] line {number}: {escape(line.strip()[:160])}", highlight=False)
        console.print(f"  {escape(fill(entry.title, generic_values()))}", highlight=False)
        console.print(
            f"  {escape(fill(entry.advice[0].shown, generic_values()).strip())}",
            highlight=False,
            soft_wrap=True,
        )
    return 0


def raised(log: Path) -> str | None:
    """Tell of the last traceback in the log, with the line where it begins; None where there is none."""
    errors = [e for e in read_output(log, Redactor().text).errors if e.frames]
    return f"line {errors[-1].line}: {errors[-1].exception}: {errors[-1].message}".rstrip(": ") if errors else None


def matches(lines: Iterable[str]) -> Iterator[tuple[Entry, int, str]]:
    """Yield each fault whose text is in the log, with the first line that holds it; an empty line tells nothing."""
    patterns = [(e, p) for e in catalogue().values() for s in e.symptoms if (p := pattern_of(s))]
    done: set[str] = set()
    for number, line in enumerate(lines, 1):
        for entry, pattern in patterns if line.strip() else ():
            if entry.id not in done and pattern.search(line):
                done.add(entry.id)
                yield entry, number, line


def pattern_of(symptom: Symptom) -> re.Pattern[str] | None:
    """Turn a symptom into a pattern for one line; None where its text is a remark or too short to tell anything."""
    if symptom.pattern:
        return re.compile(symptom.pattern)
    text = symptom.text.strip().splitlines()[-1].strip()
    if len(text) < SHORTEST or text.startswith("("):
        return None
    return re.compile(".*".join(re.escape(part) for part in re.split(r"<[^<>]*>|…|\.\.\.", text)))
