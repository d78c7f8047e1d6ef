"""The Slurm target: submits a batch job, follows it through queue and run, and leaves nothing behind."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from harness.evidence.gpu.probe_results import read_probes
from harness.evidence.models import Job, Telemetry, Trouble, slurm_states
from harness.settings.model import Settings
from harness.settings.site import Site, load_site
from harness.targets.base import log_path
from harness.targets.interrupts import Interrupts
from harness.targets.slurm import record
from harness.targets.slurm.cadence import Cadence
from harness.targets.slurm.commands import Answer, Slurm, job_id_of
from harness.targets.slurm.container import Image, choose
from harness.targets.slurm.facts import Facts
from harness.targets.slurm.job_state import job_facts, phase, slurm_job
from harness.targets.slurm.left_behind import left_behind
from harness.targets.slurm.output import OutputFile
from harness.targets.slurm.submission import Submission, prepare

AWAY_S = 120.0
"""How long the controller may be away once the job itself has told of its end."""
LAG_S, LAG_OF_SUBMISSION_S = 3.0, 10.0
"""How long sacct may lag behind at the end; longer where it alone tells how the job was submitted."""
GONE_S = 15.0
"""How long a cancelled job may take to leave the queue."""


class SlurmTarget:
    """One batch job."""

    poll_s = 0.5

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        environment: Mapping[str, str],
        *,
        image: Image | None = None,
        site: Site | None = None,
        interrupts: Interrupts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._folder, self._environment = settings, folder, dict(environment)
        self._site = site or load_site(settings.slurm.site)
        self._image = image
        self._slurm = Slurm(environment)
        self._clock = clock
        self._interrupts = interrupts or Interrupts()
        self._facts = Facts()
        self._submission: Submission | None = None
        self._answer: Answer | None = None
        self._refusal: str | None = None
        self._outputs: list[OutputFile] = []
        self._marker: Path | None = None
        self._cadence = Cadence(clock(), marked=True)
        self._waiting_since = clock()
        self._marked_at: float | None = None
        self._over = False
        self._why: str | None = None
        self._told_exit: int | None = None
        self._glances = False
        """Whether a job that runs is judged as it stands: somebody's own, which may run for days."""
        self._step: str | None = None
        self._read_early = False
        """Whether accounting did not know the job's end yet when it was asked what the job left."""

    def __enter__(self) -> Self:
        try:
            if self._settings.slurm.attach:
                self._attach(self._settings.slurm.attach)
            else:
                self._submit()
        except BaseException as error:
            self._leave(error)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(error)

    def _submit(self) -> None:
        container = self._image.path if self._image else choose(self._settings.slurm.container, self._site)
        self._refusal = self._reason_against(container)
        if self._refusal:
            self._over = True
            return
        self._submission = prepare(self._settings, self._folder, self._environment, self._site, container)
        sent = self._submission
        self._answer, self._facts.expected_start = self._slurm.test(sent.argv, sent.env, sent.cwd)
        now = time.time()
        if self._answer is None:
            with self._interrupts.held():
                self._remember(sent, now)  # killed while sbatch runs, it has left a trace all the same
                self._answer = self._slurm.submit(sent.argv, sent.env, sent.cwd)
                # An sbatch that did not answer in time may have got through all the same.
                stuck = self._answer.code is None
                self._facts.job_id = self._slurm.by_script(sent.script, now) if stuck else job_id_of(self._answer)
                if self._facts.job_id:
                    self._remember(sent, now)
                else:
                    record.forget(self._folder)
        self._over = self._facts.job_id is None
        if self._facts.job_id and sent.output is None:
            self._read_what_is_left()
        self._follow(sent.output, sent.marker)

    def _reason_against(self, container: Path) -> str | None:
        """Say why a submission would be in vain, as far as it can be known without one."""
        if self._settings.job_kind == "batch":
            return None
        if not container.exists():
            return f"the container image {container} does not exist"
        if self._image and self._image.certainly_without and not _brings_packages(self._settings.job):
            return f"the container image {container} has no wandb"
        local = [p for p in self._site.node_local if self._folder.resolve().is_relative_to(p)]
        if local:
            return f"the report folder is on {local[0]}, which every node has for itself: name another with --report"
        return None

    def _remember(self, sent: Submission, now: float) -> None:
        settings, slurm = self._settings, self._settings.slurm
        kind = settings.job_kind
        tags = self._environment.get("WANDB_TAGS", "")
        record.write(
            self._folder,
            record.Record(
                job_id=self._facts.job_id or "", token=tags.rpartition(",")[2] or None, submitted_at=now, kind=kind,
                job=str(settings.job) if settings.job else None, script=str(sent.script), cwd=str(sent.cwd),
                output=str(sent.output or ""), marker=str(sent.marker) if sent.marker else None, nodes=slurm.nodes,
                gpus=slurm.gpus, offline=settings.offline, container=str(slurm.container or self._site.container),
            ),
        )  # fmt: skip

    def _attach(self, asked: str) -> None:
        job_id, _, step = asked.partition(".")
        self._facts.job_id, self._step = job_id, step or None
        known = record.known_record(self._settings)
        self._waiting_since = self._clock()
        self._glances = known is None
        self._facts.shown = self._slurm.show(job_id)
        self._facts.accounted, trouble = self._slurm.account(job_id)
        if trouble and trouble.kind == "timeout":
            self._facts.note_trouble(trouble)
        self._read_what_is_left()
        self._follow(
            Path(known.output) if known and known.output else None,
            Path(known.marker) if known and known.marker else None,
        )

    def _read_what_is_left(self) -> None:
        job_id, sent, before = self._facts.job_id or "", self._submission, self._facts.left
        self._read_early = not slurm_states.is_final(self._facts.job_row.get("State", ""))
        text = self._slurm.batch_script(job_id) or before.text
        environment = sent.env if sent else self._slurm.environment(job_id) or before.submitted_with
        self._facts.left = left_behind(self._facts.show, self._facts.job_row, text, environment)

    def _follow(self, output: Path | None, marker: Path | None) -> None:
        self._cadence = Cadence(self._clock(), marked=marker is not None)
        self._marker = marker
        if self._over:
            return
        if output is None and not self._facts.shown:
            self._facts.shown = self._slurm.show(self._facts.job_id or "")
        job_id, component, _ = (self._facts.job_id or "").partition("+")
        leader = self._slurm.show(f"{job_id}+0") if component and self._facts.shown else ()
        paths = (output,) if output else self._unshared(self._facts.outputs(leader))
        self._outputs = [OutputFile(p) for p in paths]
        link = log_path(self._folder)
        if paths and paths[0] != link and not link.exists() and not link.is_symlink():
            link.symlink_to(paths[0])

    def _unshared(self, paths: tuple[Path, ...]) -> tuple[Path, ...]:
        """Leave out a file that another job of this user writes to: whose its lines are cannot be told."""
        named = {self._facts.job_id, self._facts.show.get("JobId"), self._facts.job_row.get("JobIDRaw")} - {None}
        open_to_all = [path for path in paths if not any(str(name) in path.name for name in named)]
        if not open_to_all:
            return paths
        others = self._slurm.outputs_of_others(self._facts.job_id or "")
        for path in open_to_all:
            if other := others.get(str(path)):
                words = f"{path.name} was also written by job {other}: which lines are this job's cannot be told"
                self._facts.note_trouble(Trouble(kind="other", text=words, where=str(path)))
        return tuple(path for path in paths if path not in open_to_all or str(path) not in others)

    def running(self) -> bool:
        """Look at the job's files, and at Slurm when it is time; False when the job has ended or was refused."""
        if self._over:
            return False
        now = self._clock()
        if self._cadence.due(now, hint=self._hint(now)):
            self._look(now)
        return not self._over

    def _hint(self, now: float) -> bool:
        """Whether the job's files say that Slurm has news: the output began, or the job told of its end."""
        if self._marker and self._marked_at is None and self._marker.exists():
            self._marked_at = now
        begun = not self._facts.ran and any(o.size() for o in self._outputs)
        return begun or self._marked_at is not None

    def _look(self, now: float) -> None:
        job_id = self._facts.job_id or ""
        queued, trouble = self._slurm.queue(job_id)
        running = self._facts.ran
        self._facts.away = trouble is not None
        if trouble:
            self._facts.note_trouble(trouble)
            self._facts.accounted = self._slurm.account(job_id)[0] or self._facts.accounted
            away = self._marked_at is not None and now - self._marked_at > AWAY_S
            # Of a job of earlier accounting may know the end all the same.
            if away or (self._settings.slurm.attach and self._facts.final_state):
                self._conclude()
        elif queued is None or slurm_states.is_final(queued.state):
            if queued:
                self._facts.note_state(queued.state, queued.reason, time.time())
            self._conclude()
        else:
            running = self._note(queued.state, queued.reason, now)
            self._over = self._over or (running and self._glances)
            self._facts.expected_start = queued.expected_start or self._facts.expected_start
        self._cadence.looked(self._clock(), running=running)

    def _note(self, state: str, reason: str, now: float) -> bool:
        """Take in a state that is not the last one; returns whether the job runs."""
        self._facts.note_state(state, reason if state in slurm_states.WAITING else "", time.time())
        if state == slurm_states.COMPLETING:
            self._facts.ran = True
            self._conclude(wait=False)
            return True
        if state not in slurm_states.WAITING:
            if not self._facts.ran:
                self._facts.ran, self._facts.first_seen_running = True, time.time()
            return True
        if self._facts.ran:  # requeued: it waits again
            self._facts.ran, self._waiting_since, self._marked_at = False, now, None
        limit_min = self._settings.slurm.queue_timeout_min
        if now - self._waiting_since > limit_min * 60:
            self.cancel(f"it waited in the queue longer than {limit_min:g} min (--lumi-queue-timeout)")
        return False

    def _conclude(self, *, wait: bool = True) -> None:
        """Gather the last facts; the job is over once a final state is known or nobody knows the job any more."""
        job_id = self._facts.job_id or ""
        self._facts.shown = self._slurm.show(job_id) or self._facts.shown
        lag_s = LAG_OF_SUBMISSION_S if self._read_early else LAG_S
        end = self._clock() + (lag_s if wait else 0.0)
        # A sacct that kept us waiting once is not waited for again if the controller knows the end.
        while not ("sacct" in self._slurm.silent and self._facts.final_state):
            accounted, trouble = self._slurm.account(job_id)
            self._facts.accounted = accounted or self._facts.accounted
            if trouble:
                self._facts.note_trouble(trouble)
            if trouble or (accounted and slurm_states.is_final(accounted.job["State"])) or self._clock() >= end:
                break
            time.sleep(0.5)
        self._over = wait or self._facts.final_state is not None
        if self._over and self._read_early and "sacct" not in self._slurm.silent:
            self._read_what_is_left()
        if self._over and self._marker:
            self._told_exit = _told(self._marker, job_id)

    def started(self) -> bool:
        """Whether the job has left the queue."""
        return self._facts.ran or (self._over and self._facts.started_at is not None)

    def new_lines(self) -> list[str]:
        """Output since the last call: standard output, then standard error where it has a file of its own."""
        return [line for output in self._outputs for line in output.new_lines(final=self._over)]

    def cpu_seconds(self) -> float | None:
        """Not known from here; the job's time limit ends it if it hangs."""
        return None

    def cancel(self, why: str) -> None:
        """End the job, remember why, and see it go."""
        if self._over or self._facts.job_id is None:
            return
        self._why = why
        if self._settings.slurm.attach:
            self._over = True
            return
        with self._interrupts.held():
            self._end(self._facts.job_id)

    def requeue(self) -> Trouble | None:
        """Let Slurm end the job and start it again; says what went wrong."""
        return self._slurm.requeue(self._facts.job_id or "").trouble

    def _end(self, job_id: str) -> Trouble | None:
        """Cancel and wait until the job has left the queue; says what went wrong."""
        trouble: Trouble | None = None
        for attempt in range(4):
            trouble = self._slurm.cancel(job_id).trouble
            if trouble is None:
                break
            time.sleep(1.0 + attempt)
        end = self._clock() + GONE_S
        while trouble is None and self._clock() < end:
            queued, _ = self._slurm.queue(job_id)
            if queued is None or slurm_states.is_final(queued.state) or queued.state == slurm_states.COMPLETING:
                break
            time.sleep(0.5)
        if trouble is None:
            self._conclude()
        else:
            self._facts.note_trouble(trouble)
        self._over = True
        return trouble

    def _leave(self, error: BaseException | None) -> None:
        """End what still runs, unless it is to be kept; tells whoever interrupted how to come back."""
        with self._interrupts.held(deliver=False):
            job_id = self._facts.job_id
            if job_id and not self._over:
                told = self._part(job_id)
                if isinstance(error, KeyboardInterrupt):
                    error.args = (told,)
            for output in self._outputs:
                output.close()

    def _part(self, job_id: str) -> str:
        elsewhere = self._folder.parent != self._settings.cwd / ".harness"  # where attaching would not look by itself
        report = f" --report {shlex.quote(str(self._folder))}" if elsewhere else ""
        back = f"come back with: {self._settings.command} --lumi-attach {job_id}{report}"
        if self._settings.slurm.keep or self._settings.slurm.attach:
            self._over = True
            return f"Slurm job {job_id} goes on; {back}"
        trouble = self._end(job_id)
        self._why = self._why or "interrupted"
        if trouble:
            return f"Slurm job {job_id} could not be cancelled ({trouble.text}): scancel {job_id}, or {back}"
        cost = self._facts.gpu_hours(self._site.gpu_hours_per_gpu)
        return f"Slurm job {job_id} was cancelled" + ("" if cost is None else f"; it cost {cost:.2f} GPU-hours")

    def sdk_environment(self) -> Mapping[str, str]:
        """What the batch script of a job that was submitted by hand sets: its processes are on other machines."""
        return self._facts.left.variables(self._environment)

    def phase(self) -> str:
        """Say where the job stands; a pending reason in words."""
        return phase(self._facts, over=self._over)

    def job(self) -> Job:
        """Facts about the job so far."""
        slurm = slurm_job(
            self._facts, self._submission, self._answer, self._image,
            restarts=sum(o.restarts for o in self._outputs), attached=self._settings.slurm.attach is not None,
            step=self._step, per_gpu=self._site.gpu_hours_per_gpu,
        )  # fmt: skip
        return job_facts(
            self._facts, slurm, self._submission, why=self._why, refusal=self._refusal, exit_code=self._told_exit
        )

    def telemetry(self) -> Telemetry:
        """What the probe wrote on each node, a file each; empty where the job did not get that far."""
        found = sorted(self._folder.glob("gpu-*.json"))
        return read_probes(found) if found else Telemetry()


def _brings_packages(script: Path | None) -> bool:
    """Whether a user's script may find packages where the image's Python does not look by itself."""
    return (
        script is not None
        and re.search(r"sys\.path|addsitedir|\bpip\b", script.read_text(errors="replace")) is not None
    )


def _told(marker: Path, job_id: str) -> int | None:
    """Read the exit code that the job left in its last file."""
    try:
        words = marker.read_text(encoding="utf-8").split()
    except OSError:
        return None
    return int(words[2]) if len(words) == 3 and words[0] == job_id and words[2].isdigit() else None
