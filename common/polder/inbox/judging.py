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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from polder.faults import Fault
from polder.inbox.failed import Failed
from polder.partitioning import first_key_at

# aggregates whose events fail alike, with no more than so many like them applied since: a bug, and
# no event's fault
ALIKE = 5
# an event is its own fault after so many tries; with nothing to compare, also after so long
HOLD_TRIES, HOLD_SECONDS = 3, 5.0
NEWEST = 5_000  # rows of the ledger that are looked at

_ALIKE = """
SELECT publisher, coalesce(nullif(subject, ''), body_hash), max(since) FROM (
    SELECT * FROM polder_inbox_waitingevent WHERE signature = %s ORDER BY since DESC LIMIT 500
) AS waiting
WHERE NOT EXISTS (SELECT FROM polder_ledger AS ledger WHERE ledger.id = waiting.event_id
    AND ledger.publisher = waiting.publisher AND ledger.outcome <> 'parked')
GROUP BY 1, 2
"""
_KNOWN = """
SELECT queue, body_hash, tries, since FROM polder_inbox_waitingevent
WHERE signature = %s AND (queue, body_hash) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
_APPLIED = f"""
SELECT count(*) FROM (
    SELECT FROM (SELECT * FROM polder_ledger WHERE id >= %(low)s ORDER BY id DESC
        LIMIT {NEWEST}) AS newest
    WHERE publisher = %(publisher)s AND applied_at >= %(since)s
        AND CASE WHEN %(type)s = '' THEN outcome <> 'parked' ELSE type = %(type)s
            AND outcome = 'applied' END
    LIMIT {ALIKE + 1}
) AS like_them
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


def judge(failures: Sequence[Failed], *, began: float, hold_back: bool) -> Verdict:
    """Judges a batch's failures, with those before. `began` is when the batch did (monotonic).
    Inside its transaction, after what could be applied of it. Unless `hold_back`, nothing stays
    undecided."""
    verdict = Verdict()
    now = database_time()
    for signature, alike in _by_signature(failures).items():
        fault = alike[0].fault
        if fault is Fault.LOCKED:
            verdict.undecided += alike
        elif fault is Fault.EVENT and alike[0].event is None:
            verdict.own += alike  # no event at all
        else:
            _judge_alike(
                verdict,
                signature,
                alike,
                now,
                now - timedelta(seconds=time.monotonic() - began),
                hold_back,
            )
    return verdict


def database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def _judge_alike(
    verdict: Verdict,
    signature: str,
    alike: list[Failed],
    now: datetime,
    began: datetime,
    hold_back: bool,
) -> None:
    before = _before(signature, alike)
    since = {one.key: before[one.key].since if one.key in before else began for one in alike}
    latest = _latest_failures(signature, alike, since)
    suspicious = len(latest) >= ALIKE
    applied = _applied_like(alike, latest[ALIKE - 1] if suspicious else min(since.values()))
    if suspicious and applied <= ALIKE:
        verdict.halt = (
            f"{len(latest)} fail alike, the last with "
            f"{alike[0].error[:500] or alike[0].reason}: "
            f"{signature}"
        )
        return
    for one in alike:
        tries = before[one.key].tries + 1 if one.key in before else 1
        known = tries >= HOLD_TRIES and (
            applied > 0 or (now - since[one.key]).total_seconds() >= HOLD_SECONDS
        )
        (verdict.undecided if hold_back and not known else verdict.own).append(one)


def _by_signature(failures: Iterable[Failed]) -> dict[str, list[Failed]]:
    groups: dict[str, list[Failed]] = defaultdict(list)
    for one in failures:
        groups[one.signature].append(one)
    return groups


def _before(signature: str, alike: Sequence[Failed]) -> dict[tuple[str, str], Before]:
    queues, hashes = (
        [one.delivery.queue for one in alike],
        [one.delivery.body_hash for one in alike],
    )
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [signature, queues, hashes])
        return {
            (queue, body_hash): Before(tries, since)
            for queue, body_hash, tries, since in cursor.fetchall()
        }


def _latest_failures(
    signature: str, alike: Sequence[Failed], since: dict[tuple[str, str], datetime]
) -> list[datetime]:
    """When each aggregate began to fail so, the latest first."""
    with connection.cursor() as cursor:
        cursor.execute(_ALIKE, [signature])
        failing = {(publisher, subject): at for publisher, subject, at in cursor.fetchall()}
    for one in alike:
        failing.setdefault(one.aggregate, since[one.key])
    return sorted(failing.values(), reverse=True)


def _applied_like(alike: Sequence[Failed], since: datetime) -> int:
    """How many events like these were applied since: of the type; if that is not known, of the
    publisher. No more than ALIKE + 1."""
    first, made = alike[0], [one.event.id for one in alike if one.event]
    low = min([first_key_at(since - timedelta(minutes=10)), *made])
    with connection.cursor() as cursor:
        cursor.execute(
            _APPLIED,
            {
                "low": low,
                "publisher": first.delivery.publisher,
                "since": since,
                "type": first.type,
            },
        )
        return int(cursor.fetchone()[0])
