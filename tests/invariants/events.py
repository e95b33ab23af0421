"""Of the events: none lost (I1), none invented (I2), each in the ledger once (I4), each published
(I5), each version once (I6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from tests.blackbox.copies import COPIES, SUBSCRIPTIONS
from tests.invariants.books import unbalanced
from tests.invariants.look import Look
from tests.invariants.violation import Violation


def published(look: Look) -> Iterator[Violation]:
    """I5 nothing is unpublished."""
    for owner in SUBSCRIPTIONS:
        [[rows, unpublished, held]] = look.shop.rows(
            owner,
            "SELECT count(*), count(*) FILTER (WHERE published_at IS NULL), count(held_at) FILTER "
            "(WHERE published_at IS NULL) FROM polder_outbox",
        )
        look.count("I5", "outbox rows", rows)
        if unpublished:
            yield Violation(
                "I5",
                owner,
                f"{unpublished} events are not published"
                + (f", {held} of them held" if held else ""),
            )


def received(look: Look) -> Iterator[Violation]:
    """I1 every event is in the ledger of every subscriber; I2 and no other; I4 once, and its books
    agree."""
    for subscriber, publishers in SUBSCRIPTIONS.items():
        for publisher in publishers:
            sent = look.sent[publisher]
            entries = look.kept(
                subscriber,
                "SELECT id, outcome FROM polder_ledger WHERE id >= %s AND publisher = %s",
                publisher,
            )
            received = {key for key, _ in entries}
            for invariant, what, number in (
                ("I1", "events, each at a subscriber", sent),
                ("I2", "ledger rows", entries),
                ("I4", "ledger rows", entries),
            ):
                look.count(invariant, what, len(number))
            if lost := sent - received:
                yield Violation(
                    "I1",
                    subscriber,
                    f"{len(lost)} events of {publisher} never arrived, such as {min(lost)}",
                )
            if phantoms := received - sent:
                yield Violation(
                    "I2",
                    subscriber,
                    f"{len(phantoms)} events that {publisher} never committed, such as "
                    f"{min(phantoms)}",
                )
            if len(received) != len(entries):
                yield Violation("I4", subscriber, "an event id is in the ledger twice")
            rows = partial(look.shop.rows, subscriber)
            for difference in unbalanced(rows, publisher, may_have_dropped=look.may_have_dropped):
                yield Violation("I4", subscriber, difference)
    yield from _used_twice(look)


def _used_twice(look: Look) -> Iterator[Violation]:
    """I2 an id is its publisher's own: nobody says something else under it."""
    for subscriber in SUBSCRIPTIONS:
        twice = look.kept(
            subscriber,
            "SELECT id FROM polder_ledger WHERE id >= %s GROUP BY id HAVING count(*) > 1",
        )
        if twice:
            yield Violation(
                "I2",
                subscriber,
                f"{len(twice)} ids are used by two publishers, such as {twice[0][0]}",
            )


def dense(look: Look) -> Iterator[Violation]:
    """I6 per aggregate the outbox holds the versions 1..n (or the last of them, when weeks were
    dropped), and n is the aggregate's version."""
    for (aggregate, owner), owner_sql in {
        (copy.aggregate, copy.owner): copy.owner_sql for copy in COPIES
    }.items():
        versions: dict[str, list[int]] = defaultdict(list)
        for subject, version in look.shop.rows(
            owner, "SELECT subject, version FROM polder_outbox WHERE aggregate_type = %s", aggregate
        ):
            versions[subject].append(version)
        current = {row[0]: row[1] for row in look.shop.rows(owner, owner_sql)}
        look.count("I6", "aggregates", len(current))
        wrong = [
            subject
            for subject, version in current.items()
            if not _is_dense(sorted(versions[subject]), version, look.may_have_dropped)
        ]
        wrong += versions.keys() - current.keys()
        if wrong:
            yield Violation(
                "I6",
                owner,
                f"{len(wrong)} of {aggregate} have gaps or repeats in their versions, such as "
                f"{wrong[:3]}",
            )


def _is_dense(found: list[int], version: int, may_have_dropped: bool) -> bool:
    first = version - len(found) + 1 if may_have_dropped else 1
    return found == list(range(first, version + 1))
