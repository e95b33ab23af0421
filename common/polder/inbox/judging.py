"""Judging whose fault it is that events fail: each one's own, or that of the code they all go
through.

A bug hits one event after the other, in batches of any size, with others in between, and with an
error that names the key. So the evidence is kept in the database (`WaitingEvent`, and the ledger
for what succeeded), where it outlives batches, processes and restarts. It is read only when
something fails.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from polder.database.partitioning import first_key_at
from polder.errors.faults import Fault
from polder.errors.private import without_values
from polder.inbox.failed_message import Failed

# aggregates whose events fail alike, with no more than so many like them applied since: a bug, and
# no event's fault
ALIKE = 5
# an event is its own fault after so many tries; with nothing to compare, also after so long
HOLD_TRIES, HOLD_SECONDS = 3, 5.0
NEWEST = 5_000  # rows of the ledger that are looked at

# One statement each for all kinds of failures in a batch: mutants fail in a hundred ways at once.
# What began in a time to come, before the clock was set back, tells nothing of what came since.
_ALIKE = """
SELECT waiting.signature, publisher, coalesce(nullif(subject, ''), body_hash), max(since)
FROM unnest(%s::text[]) AS asked(signature), LATERAL (
    SELECT * FROM polder_inbox_waitingevent
    WHERE signature = asked.signature AND since <= clock_timestamp()
    ORDER BY since DESC LIMIT 500
) AS waiting
WHERE NOT EXISTS (SELECT FROM polder_ledger AS ledger WHERE ledger.id = waiting.event_id
    AND ledger.publisher = waiting.publisher AND ledger.outcome <> 'parked')
GROUP BY 1, 2, 3
"""
_KNOWN = """
SELECT signature, queue, body_hash, tries, least(since, clock_timestamp())
FROM polder_inbox_waitingevent
WHERE (signature, queue, body_hash) IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]))
"""
_APPLIED = f"""
WITH newest AS (SELECT publisher, type, outcome, applied_at FROM polder_ledger WHERE id >= %s
    ORDER BY id DESC LIMIT {NEWEST}),
likes AS (SELECT publisher, type, applied_at FROM newest WHERE outcome = 'applied'
    UNION ALL SELECT publisher, '', applied_at FROM newest WHERE outcome <> 'parked')
SELECT publisher, type, (array_agg(applied_at ORDER BY applied_at DESC))[:{ALIKE + 1}]
FROM likes GROUP BY 1, 2
"""


class Before(NamedTuple):
    """What is known of an event's earlier failures of the same kind."""

    tries: int
    since: datetime


@dataclass
class Verdict:
    """`halt` says why all is to be halted; then the rest does not count."""

    halt: str = ""
    own: list[Failed] = field(default_factory=list)
    undecided: list[Failed] = field(default_factory=list)


@dataclass
class Evidence:
    """What the database knows of failures like those of a batch. `before`: of the very messages,
    by signature; `failing`: when each aggregate began to fail so, by signature; `applied`: when the
    latest of a publisher's events were applied, by type, and by "" for all types."""

    before: dict[str, dict[tuple[str, str], Before]]
    failing: dict[str, dict[tuple[str, str], datetime]]
    applied: dict[tuple[str, str], list[datetime]]


def judge(failures: Sequence[Failed], *, began: float, hold_back: bool) -> Verdict:
    """Judges a batch's failures, with those before. `began` is when the batch did (monotonic).
    Inside its transaction, after what could be applied of it. Unless `hold_back`, nothing stays
    undecided."""
    verdict = Verdict()
    doubtful: dict[str, list[Failed]] = defaultdict(list)
    for one in failures:
        if one.fault is Fault.LOCKED:
            verdict.undecided.append(one)
        elif one.fault is Fault.EVENT and one.event is None:
            verdict.own.append(one)  # no event at all
        else:
            doubtful[one.signature].append(one)
    if doubtful:
        now = database_time()
        began_at = now - timedelta(seconds=time.monotonic() - began)
        evidence = _evidence(doubtful, began_at)
        for signature, alike in doubtful.items():
            _judge_alike(verdict, signature, alike, evidence, now, began_at, hold_back)
    return verdict


def database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def _judge_alike(
    verdict: Verdict,
    signature: str,
    alike: list[Failed],
    evidence: Evidence,
    now: datetime,
    began: datetime,
    hold_back: bool,
) -> None:
    before = evidence.before[signature]
    since = {one.key: before[one.key].since if one.key in before else began for one in alike}
    failing = evidence.failing[signature]
    for one in alike:
        failing.setdefault(one.aggregate, since[one.key])
    latest = sorted(failing.values(), reverse=True)
    suspicious = len(latest) >= ALIKE
    from_then = latest[ALIKE - 1] if suspicious else min(since.values())
    # how many events like these were applied since: of the type; if that is not known, of the
    # publisher. No more than ALIKE + 1.
    like_them = evidence.applied.get((alike[0].delivery.publisher, alike[0].type), [])
    applied = sum(at >= from_then for at in like_them)
    if suspicious and applied <= ALIKE:
        verdict.halt = (
            f"{len(latest)} fail alike, the last with "
            f"{without_values(alike[0].error)[:500] or alike[0].reason}: {signature}"
        )
        return
    for one in alike:
        tries = before[one.key].tries + 1 if one.key in before else 1
        known = tries >= HOLD_TRIES and (
            applied > 0 or (now - since[one.key]).total_seconds() >= HOLD_SECONDS
        )
        (verdict.undecided if hold_back and not known else verdict.own).append(one)


def _evidence(doubtful: Mapping[str, Sequence[Failed]], began: datetime) -> Evidence:
    evidence = Evidence(defaultdict(dict), defaultdict(dict), {})
    asked = [(signature, *one.key) for signature, alike in doubtful.items() for one in alike]
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [list(column) for column in zip(*asked, strict=True)])
        for signature, queue, body_hash, tries, since in cursor.fetchall():
            evidence.before[signature][queue, body_hash] = Before(tries, since)
            began = min(began, since)
        cursor.execute(_ALIKE, [list(doubtful)])
        for signature, publisher, subject, at in cursor.fetchall():
            evidence.failing[signature][publisher, subject] = at
            began = min(began, at)
        made = [one.event.id for alike in doubtful.values() for one in alike if one.event]
        cursor.execute(_APPLIED, [min([first_key_at(began - timedelta(minutes=10)), *made])])
        for publisher, kind, latest in cursor.fetchall():
            evidence.applied[publisher, kind] = latest
    return evidence
