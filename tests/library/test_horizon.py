"""How far the ledger reaches: weeks that it ought to have are made, and a clock that is wrong is no
event's fault."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from order_service.models import Product
from polder import this_service
from polder.contracts.event import Event
from polder.database.partitioning import covered, database_now, drop_partitions, start_of_week
from polder.inbox import horizon as horizons
from polder.inbox.batch import apply_batch
from polder.inbox.batch_errors import ConsumerHalted
from polder.inbox.horizon import forget_horizon, horizon
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.inbox.reading import Blame, read
from polder.testing import deliver, delivery_of
from tests.makers import product_event

HOURS = 3600.0


@pytest.fixture(autouse=True)
def _looked_at_anew() -> Iterator[None]:
    forget_horizon()
    yield
    forget_horizon()


def made(moment: datetime, product_id: str = "p1") -> Event:
    """An event whose id was made then."""
    event = product_event(product_id=product_id)
    key = UUID(int=round(moment.timestamp() * 1000) << 80 | event.id.int & (1 << 80) - 1)
    return event.model_copy(update={"id": key})


def drop_every_week() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = "
            "'polder_ledger'::regclass"
        )
        for (week,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {week}")


def set_clock(monkeypatch: pytest.MonkeyPatch, ahead: float) -> None:
    """This process's clock; the database's goes on as before."""
    clock = SimpleNamespace(time=lambda: time.time() + ahead, monotonic=time.monotonic)
    monkeypatch.setattr(horizons, "time", clock)


@pytest.mark.parametrize(
    "age", [timedelta(0), timedelta(weeks=5), timedelta(weeks=8), -timedelta(hours=1)]
)
def test_weeks_that_are_missing_are_made(db: None, age: timedelta) -> None:
    """The housekeeper was away until the last week had ended, or the ledger is new."""
    drop_every_week()

    assert deliver(
        *(made(database_now() - age, f"p{number}") for number in range(20))
    ).outcomes == {("inventory", "applied"): 20}

    assert LedgerEntry.objects.count() == Product.objects.count() == 20


def test_without_weeks_nothing_is_parked(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    drop_every_week()
    monkeypatch.setattr(horizons, "make_partitions", lambda *_: 0)

    with pytest.raises(ConsumerHalted, match="no partitions"):
        deliver(product_event())

    assert not ParkedEvent.objects.exists()


@pytest.mark.parametrize("ahead", [-26 * HOURS, -3 * HOURS, 3 * HOURS, 26 * HOURS])
def test_a_wrong_clock_halts_and_parks_nothing(
    db: None, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    set_clock(monkeypatch, ahead)

    with pytest.raises(ConsumerHalted, match="clock"):
        deliver(product_event())

    assert not ParkedEvent.objects.exists()


@pytest.mark.parametrize("ahead", [-1.9 * HOURS, 1.9 * HOURS])
def test_times_are_those_of_the_database(
    db: None, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    set_clock(monkeypatch, ahead)
    before = database_now()

    event = product_event()
    apply_batch([delivery_of(event)._replace(received_at=time.time() + ahead)])

    entry = LedgerEntry.objects.get(pk=event.id)
    assert before - timedelta(seconds=2) < entry.received_at < database_now() + timedelta(seconds=2)


def test_a_clock_that_was_put_right_while_the_horizon_was_remembered(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message is refused by an old look: here the database's clock had been behind."""
    monkeypatch.setattr(
        horizons, "_remembered", horizon()._replace(now=0, looked_at=time.monotonic() - 10)
    )

    assert deliver(product_event()).outcomes == {("inventory", "applied"): 1}


@pytest.mark.parametrize("week", range(10))
def test_the_ledger_holds_what_an_owner_may_announce(db: None, week: int) -> None:
    oldest = start_of_week(database_now(), week)

    assert deliver(made(oldest)).outcomes == {("inventory", "applied"): 1}
    assert drop_partitions("polder_ledger", this_service.ledger_weeks_kept()) == 0
    assert deliver(made(oldest - timedelta(milliseconds=1), "p2")).outcomes == {
        ("inventory", "applied" if week < 9 else "unreadable"): 1
    }


@pytest.mark.parametrize(
    "key",
    [
        "00000000-0001-7000-8000-000000000000",
        "01790000-0000-7000-8000-000000000000",
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
    ],
)
def test_a_far_off_date_in_an_id_is_doubtful(db: None, key: str) -> None:
    event = product_event().model_copy(update={"id": UUID(key)})

    _, [rejected] = read([delivery_of(event)])

    assert (rejected.reason.reason, rejected.blame) == ("beyond-horizon", Blame.DOUBTFUL)


def test_what_is_no_event_is_the_message_s_own_fault(db: None) -> None:
    _, [rejected] = read([delivery_of(b"{")])

    assert rejected.blame == Blame.MESSAGE


@pytest.mark.parametrize(
    ("kept", "announced", "starts"),
    [(8, 8, True), (12, 8, True), (6, 8, False), (8, 9, False), (1, 4, True)],
)
def test_a_ledger_that_forgets_too_soon_does_not_start(
    kept: int, announced: int, starts: bool
) -> None:
    with override_settings(
        POLDER={**this_service.said(), "WEEKS_KEPT": kept, "REPUBLISH_WEEKS": announced}
    ):
        found = run_checks()

    assert [error.id for error in found if error.id == "polder.E024"] == (
        [] if starts else ["polder.E024"]
    )


@pytest.mark.parametrize("since", ["999999d", "63d", "0001-01-01T00:00Z", "1970-01-01T00:00+14:00"])
def test_what_is_announced_again_is_within_reach(
    db: None, capsys: pytest.CaptureFixture[str], since: str
) -> None:
    call_command("republish", "--since", since, "--dry-run")

    assert (
        f"no further back than {start_of_week(datetime.now(UTC), 8).isoformat()}"
        in capsys.readouterr().out
    )


def test_covered_by_the_database_s_clock(db: None) -> None:
    first, end = covered("polder_ledger")

    assert (horizon().first, horizon().end) == (first.timestamp() * 1000, end.timestamp() * 1000)
