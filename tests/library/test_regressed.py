"""An owner whose past came back: what it says is clearly later and its version is not. And what is
no such sign."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common.contracts.inventory import ProductChanged
from order_service.models import Product
from polder.contracts import clock
from polder.contracts.event import Event
from polder.database.partitioning import first_key_at
from polder.inbox.models import DeliveryCount, LedgerEntry
from polder.replication.models import Drift, Regression
from polder.replication.regressed import MARGIN, close_overtaken
from polder.testing import arrangements, deliver
from tests.makers import product_event, stock_event

HOUR = 3600.0
CLEARLY = MARGIN / 1000 + 1


def made(event: Event, *, seconds_ago: float) -> Event:
    """The same event, with the id that it would have had then."""
    made_at = int((time.time() - seconds_ago) * 1000)
    return event.model_copy(update={"id": UUID(int=made_at << 80 | event.id.int & (1 << 80) - 1)})


def price(version: int, amount: str, *, seconds_ago: float) -> Event:
    return made(
        product_event(ProductChanged, version=version, price=amount), seconds_ago=seconds_ago
    )


def outcome_of(event: Event) -> str:
    return LedgerEntry.objects.get(pk=event.id).outcome


@pytest.fixture(autouse=True)
def _commits(django_capture_on_commit_callbacks: object) -> Iterator[None]:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        yield


def test_an_owner_set_back_is_noticed(db: None) -> None:
    # Given version 7, made an hour ago
    known = price(7, "49.00", seconds_ago=HOUR)
    deliver(known)

    # When its owner, set back to version 3, changes the price once
    later = price(4, "77.00", seconds_ago=0)
    report = deliver(later)

    # Then the row stays, and it is said what happened
    assert report.outcomes == {("inventory", "regressed"): 1}
    assert outcome_of(later) == "regressed"
    assert Product.objects.get().version == 7
    found = Regression.objects.get()
    assert (found.aggregate, found.key, found.known_version, found.sent_version) == (
        "inventory.product",
        "p1",
        7,
        4,
    )
    assert (found.known_event_id, found.sent_event_id, found.closed_at) == (
        known.id,
        later.id,
        None,
    )
    assert DeliveryCount.objects.get(outcome="regressed").count == 1


def test_the_same_version_with_other_content_is_such_a_sign(db: None) -> None:
    deliver(price(4, "49.00", seconds_ago=HOUR))

    deliver(later := price(4, "77.00", seconds_ago=0))

    assert outcome_of(later) == "regressed"
    assert Regression.objects.get().sent_version == 4
    assert not Drift.objects.exists()


@pytest.mark.parametrize("versions", [(7, 4), (4, 4)])
def test_both_in_one_batch(db: None, versions: tuple[int, int]) -> None:
    before, after = (
        price(versions[0], "49.00", seconds_ago=HOUR),
        price(versions[1], "77.00", seconds_ago=0),
    )

    deliver(before, after)

    assert (outcome_of(before), outcome_of(after)) == ("applied", "regressed")


def test_one_record_per_key_and_one_line_per_owner(
    db: None, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: object
) -> None:
    # Given
    deliver(
        *(
            made(product_event(product_id=f"p{number}", version=9), seconds_ago=HOUR)
            for number in range(5)
        )
    )

    # When
    with caplog.at_level(logging.WARNING), django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        for version in (3, 4, 5):
            deliver(
                *(
                    made(product_event(product_id=f"p{number}", version=version), seconds_ago=0)
                    for number in range(5)
                )
            )

    # Then
    assert Regression.objects.count() == 5
    assert {(row.times_seen, row.sent_version) for row in Regression.objects.all()} == {(3, 5)}
    [line] = [
        record.getMessage() for record in caplog.records if "came back" in record.getMessage()
    ]
    assert "the past of inventory came back" in line


def test_late_repeated_and_shuffled_events_are_no_sign(db: None) -> None:
    """Also hours later: an event keeps its id."""
    history = [
        price(version, f"{version}.00", seconds_ago=HOUR * (4 - version)) for version in (1, 2, 3)
    ]
    for arriving in arrangements(history):
        for event in arriving:
            deliver(event)
            deliver(event)
        deliver(*arriving)
        Product.objects.all().delete()
        LedgerEntry.objects.all().delete()

    assert not Regression.objects.exists()
    assert not DeliveryCount.objects.filter(outcome="regressed").exists()


def test_clocks_that_disagree_by_seconds_are_no_sign(db: None) -> None:
    deliver(price(5, "5.00", seconds_ago=CLEARLY))

    deliver(late := price(4, "4.00", seconds_ago=2))

    assert outcome_of(late) == "stale"


def test_an_event_of_before_a_page_is_no_sign(db: None) -> None:
    """Made by a host whose clock is ahead by what counts as right, and still on its way."""
    read = datetime.now(UTC) - timedelta(seconds=clock.AHEAD + 5)
    deliver(price(5, "5.00", seconds_ago=HOUR))
    Product.objects.update(event_id=first_key_at(read))

    deliver(late := price(4, "4.00", seconds_ago=5))

    assert outcome_of(late) == "stale"


def test_a_clock_that_is_ahead_proves_nothing(db: None) -> None:
    """One process of the owner has its clock an hour ahead, and its event comes late."""
    deliver(price(5, "5.00", seconds_ago=0))

    deliver(late := price(4, "4.00", seconds_ago=-HOUR))

    assert outcome_of(late) == "stale"


def test_a_clock_that_was_set_back_is_no_sign(db: None) -> None:
    """The newer version has the older id, and the older version came after it."""
    deliver(price(5, "5.00", seconds_ago=HOUR / 2))

    deliver(late := price(4, "4.00", seconds_ago=-60))

    assert outcome_of(late) == "stale"


def test_a_row_from_before_its_event_was_kept(db: None) -> None:
    deliver(price(5, "5.00", seconds_ago=HOUR))
    Product.objects.update(event_id=None)

    deliver(later := price(4, "4.00", seconds_ago=0))
    assert outcome_of(later) == "stale"

    # And from the next event on it is known
    deliver(price(6, "6.00", seconds_ago=CLEARLY))
    deliver(again := price(5, "5.50", seconds_ago=0))
    assert outcome_of(again) == "regressed"


def test_a_record_closes_when_its_owner_has_passed_what_was_known(db: None) -> None:
    deliver(
        made(product_event(version=7), seconds_ago=HOUR),
        made(product_event(product_id="p2", version=7), seconds_ago=HOUR),
    )
    deliver(
        made(product_event(version=4), seconds_ago=0),
        made(product_event(product_id="p2", version=4), seconds_ago=0),
    )

    deliver(product_event(version=8), product_event(product_id="p2", version=7))

    assert close_overtaken() == 1
    assert {row.key: row.closed_at is None for row in Regression.objects.all()} == {
        "p1": False,
        "p2": True,
    }
    assert close_overtaken() == 0


def test_a_batch_without_what_is_stale_asks_no_more_than_before(db: None) -> None:
    deliver(product_event())

    def statements(*events: Event) -> int:
        with CaptureQueriesContext(connection) as queries:
            deliver(*events)
        return len(queries)

    alone = statements(product_event(version=5))
    # the ledger's correction of outcomes
    assert statements(*(product_event(version=version) for version in (6, 7, 8))) - alone <= 1
    assert statements(stock_event()) <= alone


def test_it_is_shown(client: Client, db: None) -> None:
    deliver(made(product_event(version=7), seconds_ago=HOUR))
    deliver(made(product_event(version=4), seconds_ago=0))

    assert 'polder_regressed_open{owner="inventory"} 1.0' in client.get("/metrics").content.decode()
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert (
        "the past of inventory came back: 1 aggregate is known here at a newer version than it "
        "sends" in ready.json()["problems"]
    )
