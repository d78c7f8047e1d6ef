"""How a preflight is told: the setup's checks, the look at the script, and whether W&B would work."""

from collections.abc import Iterator, Sequence
from shlex import quote

from harness.evidence.models import Evidence, ScriptLook
from harness.evidence.redaction.visible import block, clean
from harness.evidence.setup.script.inits import ScriptCalls, script_calls
from harness.judging.verdict import Verdict
from harness.report.html.checks import sentences, short
from harness.report.terminal.header import job_name, where
from harness.report.text import plural
from harness.settings.model import Settings

SIGNS = {"passed": "ok", "failed": "FAILED", "blocked": "-", "not_applicable": "-", "not_checked": "?"}
UNKNOWN = (
    "whether every rank gets that far, how often the training logs and whether its numbers are finite, system metrics, "
    "and how the run ends"
)


def told(
    settings: Settings, evidence: Evidence, verdict: Verdict, slurm: Sequence[str], *, refused: bool
) -> Iterator[str]:
    """Tell all in lines; the answer comes last."""
    setup = evidence.setup
    server = setup.network.base_url if setup and settings.server == "real" else where(settings)
    yield f"preflight of {job_name(settings)}; server: {clean(server, 120)}"
    yield "setup"
    said = sentences()
    for check in verdict.checks:
        sentence = said.get(short(check.name).partition("[")[0], short(check.name))
        yield f"  {SIGNS[check.outcome]:<7} {sentence}"
        if check.outcome != "passed" and check.reason:
            yield f"          {clean(short(check.reason) if check.outcome == 'blocked' else check.reason, 300)}"
    yield from (f"  {line}" for line in slurm)
    remarks: list[str] = []
    if settings.job is not None:
        yield f"script {clean(settings.job, 120)}"
        seen, remarks = of_script(settings, evidence)
        yield from (f"  {line}" for line in seen)
    for finding in verdict.findings:
        yield f"{finding.id}: {clean(finding.title)}"
        yield from (f"  {clean(line, 300)}" for line in finding.observed[:2])
        yield from (f"  do: {line}" if n == 0 else f"    {line}" for n, line in _first_advice(finding.advice))
    yield from (f"look at: {remark}" for remark in remarks)
    yield ""
    yield from _answer(verdict, len(remarks), refused=refused)


def _first_advice(advice: Sequence[str]) -> Iterator[tuple[int, str]]:
    yield from enumerate(block(advice[0], 800).splitlines()) if advice else ()


def _answer(verdict: Verdict, remarks: int, *, refused: bool) -> Iterator[str]:
    if refused or verdict.verdict == "failed":
        yield "W&B would not work: see above. No job was started, and nothing was spent."
        return
    doubts = [short(c.name) for c in verdict.checks if c.outcome == "not_checked"]
    first = f"; {plural(remarks, 'thing')} in the script to look at first" if remarks else ""
    unsure = f" Not checked: {', '.join(doubts)}." if doubts else ""
    yield f"W&B would work, as far as can be known without a job{first}.{unsure}"
    yield f"Not known without a job: {UNKNOWN}."


def of_script(settings: Settings, evidence: Evidence) -> tuple[list[str], list[str]]:
    """Say what the script does with W&B, and what of it is worth a look before a job is started."""
    setup, calls = evidence.setup, script_calls(settings.job)
    if setup is None:
        return [], []
    look, seen, remarks = setup.script, [], []
    for init in calls.inits:
        given = ", ".join(f"{name}={value}" for name, value in init.arguments.items())
        under = f", under `{' and '.join(init.guards)}`" if init.guards else ", under no condition: on every rank"
        seen.append(f"line {init.line}: wandb.init({given}){under}")
        if (mode := init.arguments.get("mode", "").strip("'\"")) in ("offline", "disabled", "dryrun"):
            remarks.append(f"line {init.line}: mode={mode} keeps the run from the server")
        if not init.on_one_rank and (evidence.request.world_size or 2) > 1 and calls.python:
            remarks.append(
                f"line {init.line}: no condition on the rank stands around wandb.init(); each rank would make a run"
            )
    attached = [
        f"{name}, {'which logs to W&B' if name in look.attached else 'not told of W&B'}" for name in look.frameworks
    ]
    seen += [f"framework: {one}" for one in attached]
    if look.metrics:
        names = ", ".join(clean(name, 40) for name in look.metrics[:8])
        seen.append(f"logs: {names}" + (", …" if len(look.metrics) > 8 else ""))
    seen += [f"{name}={number}" for name, number in look.log_every.items()]
    if calls.finishes:
        seen.append(f"finish: line {', '.join(map(str, calls.finishes[:5]))}")
    if setup.mode.script_decides:
        seen.append(f"mode: the script speaks of it ({', '.join(setup.mode.script_words) or 'by a variable'})")
    if setup.script_key_line:
        remarks.append(f"line {setup.script_key_line}: an API key stands there, for everyone to read")
    remarks += [f"line {note.line}: {note.text} ({note.kind.replace('_', ' ')})" for note in setup.script_notes]
    remarks += _silent(settings, look, calls)
    return seen or ["nothing that speaks of W&B"], remarks


def _silent(settings: Settings, look: ScriptLook, calls: ScriptCalls) -> Iterator[str]:
    """Why a script may not speak of W&B at all."""
    if settings.job_kind == "script" and not calls.python and settings.job and settings.job.is_file():
        at = quote(str(settings.job))
        yield f"Python cannot read it here: a syntax error, or it is for a newer one: python -m py_compile {at}"
    elif not calls.inits and not look.calls_init and not look.attached:
        idle = f"{look.frameworks[0]} is not told of W&B, and nothing" if look.frameworks else "nothing in it"
        yield f"{idle} calls wandb.init(), as far as its own folder shows"
