"""Says in a few words how far a running job is."""

from harness.judging.live.life import Life


def headline(life: Life) -> str:
    """Say what was seen, and no more: `W&B works so far: 1,240 steps, last point 8 s ago`."""
    count, age = life.steps.count, life.age(life.steps)
    if count:
        told = f", last point {span(age)} ago" if age is not None else ""
        return f"W&B works so far: {count:,} {'step' if count == 1 else 'steps'}{told}"
    began = f"; it began {span(max(0.0, life.now - life.begun_at))} ago" if life.begun_at is not None else ""
    if not life.run:
        return f"nothing of W&B to be seen yet: the job has started no run{began}"
    return f"nothing logged yet: W&B has started, and no step came{began}"


def span(seconds: float | None) -> str:
    """Write seconds: `40 ms`, `8 s`, `12 min`, `3 h 5 min`."""
    if seconds is None:
        return "an unknown time"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10 and seconds != round(seconds):
        return f"{seconds:.1f} s"
    if seconds < 600:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def sentence(words: str) -> str:
    """Make a sentence of words."""
    return f"{words[:1].upper()}{words[1:]}."
