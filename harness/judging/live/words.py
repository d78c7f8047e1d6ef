"""Says in a few words how far a running job is."""

from harness.judging.live.life import Life


def headline(life: Life) -> str:
    """Say that it works as far as it goes: `works so far: 1,240 steps, last point 8 s ago`."""
    return f"works so far: {so_far(life)}"


def so_far(life: Life) -> str:
    """Return `1,240 steps, last point 8 s ago`."""
    count = life.steps.count
    if not count:
        begun = f"; it began {span(max(0.0, life.now - life.begun_at))} ago" if life.begun_at is not None else ""
        return f"no step yet{begun}"
    age = life.age(life.steps)
    told = f", last point {span(age)} ago" if age is not None else ""
    return f"{count:,} {'step' if count == 1 else 'steps'}{told}"


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
