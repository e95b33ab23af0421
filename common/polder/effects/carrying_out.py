"""Carrying out what was written down: in the housekeeper, outside of any transaction."""

from __future__ import annotations

import json
import logging
import random
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connection

from polder import this_service
from polder.effects.declared import LONGEST, Effect, GiveUp, effects
from polder.errors.ending import errors_only
from polder.errors.text import text_of
from polder.process.failpoints import Failpoint, failpoint

log = logging.getLogger(__name__)

BUDGET = 10.0  # seconds of one run; the housekeeper has other things to do
AT_ONCE = 3  # failures of one effect in a row, after which it is left to the next run
FIRST_PAUSE, LONGEST_PAUSE = 15, 3600  # seconds after a failure
# Who was killed is followed by another when the time of its attempt is over for certain.
LEASE = LONGEST * 2

_CLAIM = """
UPDATE polder_effects_intent AS intent SET attempts = attempts + 1,
    due_at = clock_timestamp() + make_interval(secs => %s)
FROM (SELECT id FROM polder_effects_intent WHERE state = 'waiting' AND due_at <= clock_timestamp()
    AND effect = %s ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) AS due
WHERE intent.id = due.id
RETURNING intent.id, effect, key, body::text, attempts,
    extract(epoch FROM clock_timestamp() - waiting_since)::float8
"""
# What is due later than any pause was written before the clock was set back.
_BRING_BACK = """
UPDATE polder_effects_intent SET due_at = clock_timestamp()
WHERE state = 'waiting' AND due_at > clock_timestamp() + make_interval(secs => %s)
"""
# Not when it was begun anew meanwhile, by an operator or because the lease was over.
_DONE = """
UPDATE polder_effects_intent SET state = 'done', done_at = clock_timestamp(), error = ''
WHERE id = %s AND attempts = %s AND state = 'waiting'
"""
_FAILED = """
UPDATE polder_effects_intent SET state = %s, error = %s,
    due_at = clock_timestamp() + make_interval(secs => %s)
WHERE id = %s AND attempts = %s AND state = 'waiting'
"""


class TookTooLong(Exception):
    """An attempt did not end within its limit."""


class Claimed(NamedTuple):
    """An intent that is this process's to carry out, for the time of the lease."""

    id: int
    effect: Effect
    key: str
    body: Mapping[str, Any]
    attempts: int
    age: float  # seconds that it has waited

    @property
    def sent_key(self) -> str:
        """Whoever receives it knows nothing of which effect of which service a key is of."""
        return f"{this_service.name()}.{self.effect.name}:{self.key}"


def carry_out_due(budget: float = BUDGET, *, may_give_up: bool = True) -> dict[str, int]:
    """Carries out what is due, for about so many seconds: how many were done, and how many failed.
    The effects take turns, in another order each time, so that one that takes long keeps the
    others from nothing. May run beside others. Raises what the database raises.

    `may_give_up`: not when this was not tried for a while, or the clock was set forward: then what
    has waited for long had no chance.
    """
    ended: Counter[str] = Counter()
    in_a_row: Counter[str] = Counter()
    until = time.monotonic() + budget
    with connection.cursor() as cursor:
        cursor.execute(_BRING_BACK, [max(LONGEST_PAUSE, LEASE) + 60])
    turns = deque(random.sample(list(effects), len(effects)))
    while turns and time.monotonic() < until:
        name = turns.popleft()
        if (claimed := _claim(name)) is None:
            continue
        done = _attempt(claimed, may_give_up=may_give_up)
        ended["done" if done else "failed"] += 1
        in_a_row[name] = 0 if done else in_a_row[name] + 1
        if in_a_row[name] < AT_ONCE:
            turns.append(name)
    return dict(ended)


def pause_after(attempts: int) -> int:
    """Seconds until the next attempt."""
    return min(LONGEST_PAUSE, FIRST_PAUSE << min(attempts - 1, 10))


def _claim(name: str) -> Claimed | None:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE, name])
        row = cursor.fetchone()
    if row is None:
        return None
    number, name, key, body, attempts, age = row
    return Claimed(number, effects[name], key, json.loads(body), attempts, age)


def _attempt(claimed: Claimed, *, may_give_up: bool) -> bool:
    """Whether it was done."""
    try:
        with errors_only(), _at_most(claimed.effect.limit):
            claimed.effect.carry_out(claimed.sent_key, claimed.body)
        failpoint(Failpoint.EFFECTS_BEFORE_MARK)
    except Exception as error:
        _note_failure(claimed, error, may_give_up=may_give_up)
        return False
    with connection.cursor() as cursor:
        cursor.execute(_DONE, [claimed.id, claimed.attempts])
    return True


def _note_failure(claimed: Claimed, error: Exception, *, may_give_up: bool) -> None:
    is_over = may_give_up and claimed.age > claimed.effect.give_up_after.total_seconds()
    state = "failed" if is_over or isinstance(error, GiveUp) else "waiting"
    told = f"{type(error).__name__}: {text_of(error)}".strip()[:1_000]
    # whose words may name people: the row has them, for whoever may look at it
    name, what = claimed.effect.name, type(error).__name__
    log.warning("the effect %s %s failed: %s", name, claimed.key, what)
    pause = pause_after(claimed.attempts)
    with connection.cursor() as cursor:
        cursor.execute(_FAILED, [state, told, pause, claimed.id, claimed.attempts])


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raises TookTooLong inside when the time is up; in a process's main thread, where tasks run.
    What hears no signal ends with its task's time limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise TookTooLong(f"not done within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, end)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left, interval)  # whose it was
