"""`manage.py <service> redrive`: any number of parked messages, chosen by their cause, in
batches.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from order_service.models import Product
from polder.contracts.decode import Unreadable
from polder.errors.faults import Fault
from polder.inbox import redrive_many
from polder.inbox.batch_errors import ConsumerHalted, TransientFailure
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.inbox.redrive import redrive_batch
from polder.inbox.report import Report
from polder.testing import deliver
from polder.testing.database import at_once, other_connection
from tests.library.applying.outcomes import tallied
from tests.library.test_redrive import Trouble, judge_each_by_itself
from tests.makers import product_event, stock_event

MANY = 3_000


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("redrive", *arguments, stdout=said)
    return said.getvalue()


def park(patch: pytest.MonkeyPatch, number: int) -> None:
    """Each by itself, so that nothing halts."""
    with patch.context() as context:
        Trouble(context)
        for one in range(number):
            deliver(product_event(product_id=f"p{one}"))


def five_that_wait_briefly(patch: pytest.MonkeyPatch) -> None:
    """Parked, and `p3` changes a copy that exists; they wait for locks for 200 ms."""
    deliver(product_event(product_id="p3"))
    with patch.context() as context:
        Trouble(context)
        for one in range(5):
            deliver(product_event(product_id=f"p{one}", version=2))
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")


def states() -> set[str]:
    return set(ParkedEvent.objects.values_list("state", flat=True))


@pytest.fixture
def many(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands that could not be read, made quickly: their event was not known yet."""
    with monkeypatch.context() as patch:
        judge_each_by_itself(patch)
        patch.setattr("polder.inbox.reading.decode", _unknown)
        deliver(*(product_event(product_id=f"p{number}") for number in range(MANY)))


def _unknown(body: bytes) -> None:
    raise Unreadable("unknown-type", "not yet")


def test_thousands_are_applied(many: None) -> None:
    said = run("--reason", "unknown-type")

    assert f"{MANY:,}" in said
    assert states() == {"redriven"}
    assert Product.objects.count() == LedgerEntry.objects.filter(outcome="applied").count() == MANY
    assert tallied() == {("inventory", "unreadable"): MANY, ("inventory", "redriven-applied"): MANY}


def test_only_what_was_chosen(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, 3)
    deliver(b"{", b"[")

    assert "3 parked" in run("--reason", "ValueError", "--dry-run")
    assert "3 parked" in run(
        "--type", "ProductCreated", "--publisher", "inventory", "--since", "1h", "--dry-run"
    )
    assert "0 parked" in run("--publisher", "shipping")
    assert "0 parked" in run("--since", (timezone.now() + timedelta(hours=1)).isoformat())
    assert "5 parked" in run("--all", "--dry-run")
    one, other = ParkedEvent.objects.filter(reason="ValueError")[:2]
    run("--ids", str(one.pk), str(other.event_id))

    assert Product.objects.count() == 2
    assert ParkedEvent.objects.filter(state="parked").count() == 3


@pytest.mark.parametrize(
    "arguments",
    [[], ["--all", "--reason", "x"], ["--dry-run"], ["--ids", "x"], ["--since", "yesterday"]],
)
def test_who_says_nothing_or_nonsense_is_refused(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=r"say which|--ids|--since"):
        run(*arguments)


def test_what_fails_again_stays_parked_and_the_rest_is_applied(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    park(monkeypatch, 20)
    deliver(b"{")
    ParkedEvent.objects.filter(subject="p7").update(
        body=b"[", body_hash=hashlib.sha256(b"[").hexdigest()
    )
    monkeypatch.setattr(redrive_many, "BATCH_MESSAGES", 6)

    with pytest.raises(CommandError, match="2 of 21 stay parked"):
        run("--all")

    assert Product.objects.count() == 19
    assert set(ParkedEvent.objects.filter(state="parked").values_list("reason", "times_seen")) == {
        ("not-json", 2)
    }


@pytest.mark.parametrize("error", [ConsumerHalted("no such column"), KeyboardInterrupt()], ids=repr)
def test_what_was_done_before_it_stopped_is_done(
    db: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
) -> None:
    # Given
    park(monkeypatch, 9)
    monkeypatch.setattr(redrive_many, "BATCH_MESSAGES", 4)
    calls: list[int] = []

    def breaks_off(batch: list[int]) -> Report:
        calls.append(len(batch))
        if len(calls) == 2:
            raise error
        return redrive_batch(batch)

    # When
    with monkeypatch.context() as patch:
        patch.setattr(redrive_many, "redrive_batch", breaks_off)
        with pytest.raises((CommandError, SystemExit)):
            run("--all")

    # Then
    assert ParkedEvent.objects.filter(state="redriven").count() == 4
    run("--all")
    assert states() == {"redriven"}


def test_the_moment_s_trouble_is_waited_for(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, 2)
    troubles: Iterator[Exception | None] = iter(
        [TransientFailure("busy"), TransientFailure("busy"), None]
    )

    def busy(batch: list[int]) -> Report:
        if trouble := next(troubles):
            raise trouble
        return redrive_batch(batch)

    monkeypatch.setattr(redrive_many, "redrive_batch", busy)
    monkeypatch.setattr(redrive_many, "PAUSES", (0.0, 0.0, 0.0))

    run("--all")

    assert states() == {"redriven"}


def test_what_is_too_much_at_once_goes_in_halves(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, 5)

    def limited(keys: list[int]) -> Report:
        if len(keys) > 2:
            raise TransientFailure("canceling statement due to statement timeout", Fault.TOO_SLOW)
        return redrive_batch(keys)

    monkeypatch.setattr(redrive_many, "redrive_batch", limited)

    run("--all")

    assert states() == {"redriven"}


def test_several_at_once_do_nothing_twice(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    park(monkeypatch, 60)
    deliver(stock_event())
    monkeypatch.setattr(redrive_many, "BATCH_MESSAGES", 7)
    start = threading.Barrier(3)

    def one() -> str:
        start.wait(60)
        return run("--all")

    at_once(one, one, one)
    run("--all")

    assert states() == {"redriven"}
    assert tallied()["inventory", "redriven-applied"] == 60
    assert LedgerEntry.objects.filter(outcome="applied", type="ProductCreated").count() == 60


def test_who_needs_what_somebody_holds_keeps_nobody_waiting(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    five_that_wait_briefly(monkeypatch)
    monkeypatch.setattr(redrive_many, "PAUSES", (0.1,))

    # When somebody holds it
    with other_connection() as other, other.transaction():
        other.execute("SELECT FROM replica_product WHERE key = 'p3' FOR UPDATE")
        with pytest.raises(CommandError, match="stopped"):
            run("--all")

    # Then the others are done, and it when it is let go
    assert list(ParkedEvent.objects.filter(state="parked").values_list("subject", flat=True)) == [
        "p3"
    ]
    run("--all")
    assert states() == {"redriven"}
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")
