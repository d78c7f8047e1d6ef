"""The watch itself: looks when it is time, many jobs with one question, and tells what is new; its clock is given."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from harness.evidence.models import slurm_states
from harness.judging.live.broken import LIVE
from harness.judging.live.rhythm import ENOUGH_ROWS
from harness.judging.live.troubles import NO_STEPS, Trouble, troubles
from harness.watch.ledger import Entry, Event, Ledger
from harness.watch.listing import Answered
from harness.watch.queue import Queued
from harness.watch.subjects import ENDS, Subject
from harness.watch.track import LONGEST_S
from harness.watch.verifying import Judged, Verifying

AGAIN_S, DOUBT_S = 1800.0, 300.0
"""Seconds until a verification is made again: where all was well, and where something was wrong."""
SELDOM_S = 7200.0
"""What was verified again and again with the same verdict is verified in ever longer intervals, up to this one."""
MANY = 10
PACE_S = 300.0
"""Of many runs, so many seconds go with each verification that nothing hurries."""
TOGETHER_MOST = 20
"""So many of them are made together: to load what judges costs as much as several verifications."""
NO_SLURM = "Slurm does not answer (squeue)"
UNKNOWN_JOB = "Slurm knows no such job, or does not show it to you because it is somebody else's"
NO_RUN = "the server has no such run, or the API key that is used here may not read it"
TOGETHER = 0.3
"""A look that is due within this share of the longest interval is made along with the others."""

AskRuns = Callable[[str | None, str, str, Sequence[str], bool], Answered]
"""Asks a server (None: that of the settings) for runs of a project; with their system metrics or without."""
AskQueue = Callable[[Sequence[str]], dict[str, Queued] | None]
Tell = Callable[[str, Subject, Judged | None], None]
"""Told of an event (problem, mended, end) of a subject."""


@dataclass
class Watcher:
    """Watches subjects; everything that costs something is given to it."""

    subjects: list[Subject]
    ask_runs: AskRuns
    ask_queue: AskQueue
    look_at: Callable[[Subject, float], None]
    """Looks at what a subject has on disk: folder, output."""
    verify: Verifying
    ledger: Ledger
    tell: Tell
    once: bool = False
    show: Callable[[Subject, Sequence[Entry]], None] = lambda _subject, _entries: None
    """Shows what was noted of a subject so far; called when there is news."""
    gpu_hours_per_gpu: float = 1.0
    rest: Callable[[], None] = lambda: None
    """Called when nothing more is to be verified or shown for now."""
    last: dict[str, Judged] = field(default_factory=dict)
    _made: int = 0
    """Verifications of this round that nothing hurried."""
    _free_at: float = 0.0
    """When the next of them may be made."""
    _news: set[str] = field(default_factory=set)
    _noted: dict[str, str] = field(default_factory=dict)
    """The newest state of each job in the ledger."""

    def __post_init__(self) -> None:
        for subject in self.subjects:
            self._go_on(subject)

    def add(self, subject: Subject) -> None:
        """Watch one more."""
        self._go_on(subject)
        self.subjects.append(subject)

    def _go_on(self, subject: Subject) -> None:
        """Go on where an earlier watch left off: what it told of is no news."""
        if (known := self.ledger.last(subject.name)) is not None:
            self._noted[subject.name] = known.state
            subject.problem, subject.words = known.problem, known.words

    def round(self, now: float) -> float:
        """Look at all that is due; return when the next look is."""
        due = self._due(now)
        self._slurm(due, now)
        for subject in due:
            if subject.kind != "run":
                self.look_at(subject, now)
        self._server(due, now)
        for subject in due or self._waiting(now):
            self._settle(subject, now)
        jobs = sum(not s.ended for s in self.subjects)
        for subject in due:
            subject.due_at = max(subject.due_at, subject.track.next_look(now, subject.life, jobs))
        self.rest()
        self._made = 0
        return self._next(now)

    def _waiting(self, now: float) -> list[Subject]:
        """Where nothing is due there is time for what can wait: first for what was never verified."""
        found = [s for s in self.subjects if not s.ended and self._routine(s, now)]
        return sorted(found, key=lambda s: s.verified_at or 0.0)[:TOGETHER_MOST]

    def hurried(self) -> list[Subject]:
        """Make all that goes on due now, and return it."""
        waiting = [s for s in self.subjects if not s.ended]
        for subject in waiting:
            subject.due_at = 0.0
        return waiting

    def _next(self, now: float) -> float:
        """Return when something is to be done again: a look, or a verification that had to wait."""
        times = [s.due_at for s in self.subjects if not s.ended]
        free_at = max(now, self._free_at)
        if any(not s.ended and self._routine(s, free_at) for s in self.subjects):
            times.append(free_at)
        return min(times, default=now)

    def _due(self, now: float) -> list[Subject]:
        """Those whose time has come, and those that are nearly due: one question serves all of them."""
        waiting = [s for s in self.subjects if not s.ended]
        if not any(s.due_at <= now for s in waiting):
            return []
        return [s for s in waiting if s.due_at <= now + TOGETHER * LONGEST_S]

    def _slurm(self, due: Iterable[Subject], now: float) -> None:
        jobs = [s for s in due if s.kind == "job"]
        found = self.ask_queue([s.name for s in jobs]) if jobs else {}
        for subject in jobs:
            if found is None or (subject.name not in found and not subject.track.scheduler):
                subject.unread = UNKNOWN_JOB if found is not None else NO_SLURM
                continue
            subject.unread, queued = "", found.get(subject.name)
            state = slurm_states.base(queued.state) if queued else None
            subject.track.queued(state, now)
            subject.track.time_left_s = queued.left_s if queued else None
            if queued is not None:
                subject.title = subject.title or queued.name
            if queued is not None and queued.gpu_s is not None:
                subject.gpu_hours = queued.gpu_s / 3600 * self.gpu_hours_per_gpu

    def _server(self, due: Iterable[Subject], now: float) -> None:
        """One question for each project; where system metrics are not asked for of every run, two."""
        places: dict[tuple[str | None, str, str, bool], list[Subject]] = {}
        numbers = sum(s.track.numbers for s in self.subjects if not s.ended)
        for subject in due:
            if subject.run is not None:
                system = subject.track.wants_system(now, subject.life, numbers)
                places.setdefault((subject.server, *subject.run[:2], system), []).append(subject)
        for (server, entity, project, system), there in places.items():
            answer = self.ask_runs(server, entity, project, [s.run[2] for s in there if s.run], system)
            listed = {run.id: run for run in answer.runs}
            for subject in there:
                run = listed.get(subject.run[2]) if subject.run else None
                look = run.look if run else None
                subject.title = run.name if run and run.name else subject.title
                subject.unread = answer.trouble.text if answer.trouble else "" if look else NO_RUN
                if look is not None:
                    subject.track.take(look, now)
                    subject.life = subject.track.life(now)
                elif answer.trouble:
                    subject.track.failed(now)
                    subject.life = None
                wait = answer.retry_after_s or 0.0
                subject.due_at = now + wait if wait else 0.0

    def _settle(self, subject: Subject, now: float) -> None:
        """Make up the mind about one subject, and tell what is new."""
        if not subject.unread or not subject.state:
            self._state(subject, now)
        broken = subject.broken = self._broken(subject)
        odd = bool(subject.track.look and subject.track.look.odd)
        fault = broken.id if broken else ""
        over = self._over(subject)
        news = (odd and not subject.problem) or fault not in ("", subject.problem) or self._healed(subject, fault, now)
        if self._to_be_verified(subject, now, over=over, news=news):
            if judged := self.verify(subject):
                new = subject.verdict != judged.verdict
                subject.alike = 0 if new else subject.alike + 1
                self.last[subject.name], subject.verdict = judged, judged.verdict
                if new:
                    self._note("verified", subject, now)
            subject.verified_at = now
        judged = self.last.get(subject.name)
        words = broken.words if broken else ""
        if not broken and judged and judged.verdict == "failed":
            fault, words = judged.fault, judged.words
        events = self._problem(subject, fault, words, now)
        if over:
            self._note("end", subject, now)
            events.append("end")
        if subject.name in self._news and subject.verdict:
            self._news.discard(subject.name)
            self.show(subject, self.ledger.of(subject.name))
        for event in events:  # only now: what is told of is written by then
            self.tell(event, subject, judged)
        subject.ended = over or self.once

    @staticmethod
    def _broken(subject: Subject) -> Trouble | None:
        """What is broken at this look. Steps that stayed away are there again when one comes, and not before."""
        if subject.life is None:
            return None
        found, before, count = next(iter(troubles(subject.life)), None), subject.broken, subject.life.steps.count
        if found is None and before is not None and before.id == NO_STEPS and count == subject.stood_at:
            return before
        subject.stood_at = count
        return found

    def _state(self, subject: Subject, now: float) -> None:
        look, scheduler = subject.track.look, subject.track.scheduler
        state = look.state if look else subject.state if subject.kind == "folder" else ""
        if scheduler is not None and (
            not state or scheduler in slurm_states.WAITING or slurm_states.is_final(scheduler)
        ):
            state = scheduler.lower()
        subject.steps = subject.life.steps.count if subject.life else look.rows if look else subject.steps
        known = self._noted.get(subject.name)
        if state and known != state:
            subject.state = state
            self._note("begin" if known is None else "state", subject, now)
        subject.state = state or subject.state

    @staticmethod
    def _over(subject: Subject) -> bool:
        scheduler = subject.track.scheduler
        if subject.kind == "job":
            return scheduler is not None and slurm_states.is_final(scheduler)
        return subject.state in ENDS

    @staticmethod
    def _healed(subject: Subject, fault: str, now: float) -> bool:
        """Whether a layer that broke gives signs of life again: it is verified soon, and once in a while."""
        broke = subject.problem.startswith(LIVE) and not fault and subject.life is not None
        return broke and now - (subject.verified_at or 0.0) >= LONGEST_S

    def _to_be_verified(self, subject: Subject, now: float, *, over: bool, news: bool) -> bool:
        # A metric that stays odd is verified once, and then as often as anything that is wrong.
        hurries = news and (subject.verified_at is None or not subject.problem or subject.problem.startswith(LIVE))
        if self.once or over or (hurries and not subject.unread):
            return True
        if not self._routine(subject, now):
            return False
        if len(self.subjects) > MANY:
            self._made += 1
            self._free_at = max(now, self._free_at) + PACE_S
        return True

    def _routine(self, subject: Subject, now: float) -> bool:
        """Whether a verification that nothing hurries is to be made now."""
        if subject.unread or self._made >= TOGETHER_MOST or (not self._made and now < self._free_at):
            return False
        if subject.verified_at is None:
            return subject.steps >= ENOUGH_ROWS
        first_s = AGAIN_S if subject.verdict == "passed" else DOUBT_S
        return now - subject.verified_at >= min(SELDOM_S, first_s * 2.0 ** min(subject.alike, 10))

    def _problem(self, subject: Subject, fault: str, words: str, now: float) -> list[Event]:
        """Note a problem that came or went; return what is to be told."""
        if fault == subject.problem:
            subject.words = words or subject.words
            return []
        event: Event = "problem" if fault else "mended"
        subject.problem, subject.words = fault, words
        self._note(event, subject, now)
        return [event]

    def _note(self, event: Event, subject: Subject, now: float) -> None:
        self.ledger.add(
            Entry(now, subject.name, event, subject.state, subject.steps, subject.problem, subject.words,
                  subject.verdict, subject.gpu_hours, subject.title)
        )  # fmt: skip
        self._noted[subject.name] = subject.state
        self._news.add(subject.name)

    @property
    def code(self) -> int:
        """The exit code: as of `check`, over all that was watched."""
        if any(s.problem or s.verdict == "failed" for s in self.subjects):
            return 1
        return 10 if any(s.unread or s.verdict == "inconclusive" for s in self.subjects) else 0
