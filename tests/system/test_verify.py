"""`make verify` on a shop that works, and on one that somebody has laid hands on: it says what is
wrong, by its number."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.local.stack import ROOT, Stack
from tests.blackbox.shop import OWNERS, Shop, until
from tests.blackbox.wire import send
from tests.invariants import Checker
from tests.load import Load

PARKED = "SELECT count(*)::int FROM polder_inbox_parkedevent WHERE state = 'parked'"


@pytest.fixture
def parked(shop: Shop) -> int:
    """By other tests."""
    return sum(shop.rows(owner, PARKED)[0][0] for owner in OWNERS)


def verify(stack: Stack, *options: str) -> tuple[int, str]:
    """Exit status and what was printed."""
    command = [
        sys.executable,
        "-m",
        "tests.verify",
        "--env",
        str(stack.run.stack_env),
        "--watch",
        "0",
        *options,
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not run.stderr, run.stderr
    return run.returncode, run.stdout


def broken(said: str) -> set[str]:
    return {line.split()[1] for line in said.splitlines() if line.startswith("  ✗")}


@contextmanager
def audited(stack: Stack) -> Iterator[None]:
    assert verify(stack, "--audit", "on")[0] == 0
    try:
        yield
    finally:
        assert verify(stack, "--audit", "off")[0] == 0


def test_a_healthy_shop_passes_with_what_was_compared(
    stack: Stack, load: Load, parked: int
) -> None:
    # Given an auditor that came after the first events, and orders since
    with audited(stack):
        load.place(20)

        # When the shop is verified, twice
        first, second = (verify(stack, "--parked", f"{parked}") for _ in range(2))

    # Then everything was checked and holds, and the second run had the same witness
    for status, said in (first, second):
        assert (status, broken(said)) == (0, set()), said
        assert "not checked" not in said
        assert "events on the wire" in said
        assert "make verify: all that was checked holds" in said


def test_without_an_auditor_it_says_so(stack: Stack, load: Load, parked: int) -> None:
    load.place(5)
    status, said = verify(stack, "--parked", f"{parked}")
    assert status == 0, said
    assert "- I7  wire order    not checked: no auditor listens" in said


def test_a_row_missing_from_a_replica_is_named(
    stack: Stack, shop: Shop, checker: Checker, load: Load, parked: int
) -> None:
    # Given a replica's row that somebody has deleted
    load.place(5)
    checker.check()
    delete = (
        "DELETE FROM replica_order AS kept WHERE key = (SELECT key FROM replica_order LIMIT 1) "
        "RETURNING key::text, to_jsonb(kept)::text"
    )
    [[key, row]] = shop.rows("inventory", delete)
    try:
        # When the shop is verified, Then that is I8, in inventory, and the key is told
        status, said = verify(stack, "--parked", f"{parked}")
        assert (status, broken(said)) == (1, {"I8"}), said
        assert f"inventory: 1 of order differ; {key}: owner" in said
    finally:
        insert = (
            "INSERT INTO replica_order SELECT * FROM jsonb_populate_record(NULL::replica_order, "
            "%s::jsonb) RETURNING key"
        )
        shop.rows("inventory", insert, row)
        assert checker.watcher is not None
        assert all(
            violation.invariant == "I9" and key in violation.detail
            for violation in checker.watcher.take()
        )


def test_an_event_that_was_never_published_is_named(
    stack: Stack, shop: Shop, load: Load, parked: int
) -> None:
    # Given an auditor, and an order whose event was marked as published without having been on the
    # wire
    with audited(stack):
        stack.stop_process("order-relay")
        try:
            order_id = shop.place(p3=1)
            marked = (
                "UPDATE polder_outbox SET published_at = now() WHERE published_at IS NULL AND "
                "subject = %s RETURNING id"
            )
            [[event]] = shop.rows("order", marked, order_id)

            # When the shop is verified, Then it never rests, the event was lost, and never seen
            status, said = verify(stack, "--parked", f"{parked}", "--wait", "8")
            assert status == 1
            assert {"I1", "I5", "I12", "I16"} <= broken(said), said
            assert (
                f"1 events were marked published and never seen on the wire, such as {event}"
                in said
            )
        finally:
            shop.rows(
                "order",
                "UPDATE polder_outbox SET published_at = NULL WHERE id = %s RETURNING id",
                event,
            )
            stack.start_process("order-relay")


def test_a_parked_message_is_named_unless_it_was_expected(
    stack: Stack, shop: Shop, checker: Checker, parked: int
) -> None:
    # Given a message that nobody can read
    send(shop.variables["AMQP_URL"], "order.events", [b"make verify finds me"])
    for subscriber in ("inventory", "shipping"):
        checker.parked[subscriber] += 1
    until(
        lambda: sum(shop.rows(owner, PARKED)[0][0] for owner in OWNERS) == parked + 2,
        "both subscribers have parked it",
    )

    # When the shop is verified, Then I15 says how many, and on which page they are; but for those
    # that were expected
    status, said = verify(stack, "--parked", f"{parked}")
    assert (status, broken(said)) == (1, {"I15"}), said
    assert (
        f"{shop.variables['SHIPPING_URL']}/admin/polder_inbox/parkedevent/?state__exact=parked"
        in said
    )
    assert verify(stack, "--parked", f"{parked + 2}")[0] == 0


def test_a_shop_at_work_is_checked_for_what_holds_at_any_moment(stack: Stack, load: Load) -> None:
    with load.flowing():
        load.more(5)
        status, said = verify(stack, "--wait", "2")
    assert status == 1
    assert "I16" in broken(said)
    assert "not checked: the shop is at work" in said
    assert "✓ I10 conservation" in said
