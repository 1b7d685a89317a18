"""Waiting for conditions instead of sleeping."""

import time


class NeverCame(AssertionError):
    """A condition did not come true in time."""


def eventually(condition, timeout=10.0, what=None, pace=0.02, ignoring=()):
    """Polls until `condition()` is truthy and answers that; its last exception, or value, is part of the failure."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, OSError, LookupError, ValueError, *ignoring) as error:
            last = error
        if time.monotonic() >= deadline:
            name = what or getattr(condition, "__name__", "the condition")
            raise NeverCame(f"{name} did not come true within {timeout} s; last: {last!r}")
        time.sleep(pace)


def stays(condition, seconds, what=None, pace=0.1):
    """Polls that `condition()` is truthy for so long: for what must not happen there is no event to wait for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), what or getattr(condition, "__name__", "the condition")
        time.sleep(pace)
