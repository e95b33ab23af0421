"""What the housekeeper lets go, and when: by settings, in small steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductChanged, ProductRetired
from order_service.models import Product
from polder import this_service
from polder.consumer.housekeeping import retention
from polder.inbox.models import ParkedEvent
from polder.outbox.gate import who_is_missing
from polder.outbox.models import GuardFinding, Subscriber
from polder.replication.models import Drift, Regression
from polder.replication.retention import forget_tombstones, tombstones_kept
from polder.retention import delete_in_steps, retention_policies
from polder.testing import deliver
from polder.testing.database import at_once, other_connection
from tests.makers import product_event


def days_ago(days: float) -> Any:
    return timezone.now() - timedelta(days=days)


def parked(state: str, days: float) -> None:
    row = ParkedEvent.objects.create(
        queue="q", body_hash=str(uuid7()), body=b"{}", reason="invalid", error="", state=state
    )
    ParkedEvent.objects.filter(pk=row.pk).update(last_seen_at=days_ago(days))


def drift(key: str, repaired: Any) -> None:
    row = Drift.objects.create(
        aggregate="inventory.product", key=key, version=1, event_id=uuid7(), repaired_at=repaired
    )
    Drift.objects.filter(pk=row.pk).update(found_at=days_ago(400))


def regression(key: str, closed: Any) -> None:
    known = {"known_version": 2, "known_event_id": uuid7(), "sent_version": 1}
    Regression.objects.create(
        aggregate="inventory.product", key=key, sent_event_id=uuid7(), closed_at=closed, **known
    )


def finding(key: str, found: Any) -> None:
    GuardFinding.objects.create(
        aggregate="order", key=key, version=1, what="deleted", told="", found_at=found
    )


def test_what_cannot_be_let_go_keeps_nothing_else(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> int:
        raise RuntimeError("no room")

    monkeypatch.setitem(retention_policies, "findings of the guard", broken)
    finding("old", days_ago(400))
    drift("old", days_ago(400))

    with pytest.raises(RuntimeError, match="no room"):
        retention()

    assert GuardFinding.objects.count() == 1
    assert not Drift.objects.exists()


def test_what_is_over_goes_and_what_is_open_stays(db: None) -> None:
    # Given one of each a day before its time, and one a day after
    for state, days in (("parked", 365), ("redriven", 90), ("discarded", 90)):
        parked(state, days - 1)
        parked(state, days + 1)
    for record in (drift, regression):
        record("open", None)
        record("young", days_ago(89))
        record("old", days_ago(91))
    finding("young", days_ago(89))
    finding("old", days_ago(91))

    # When
    let_go = retention()
    again = retention()

    # Then
    expected = {
        "parked messages": 3,
        "closed records of drift": 1,
        "closed records of regressed aggregates": 1,
        "findings of the guard": 1,
    }
    assert {what: let_go[what] for what in expected} == expected
    assert not any(again[what] for what in expected)
    assert keys_of(ParkedEvent, "state") == ["discarded", "parked", "redriven"]
    assert keys_of(Drift) == keys_of(Regression) == ["open", "young"]
    assert keys_of(GuardFinding) == ["young"]


def keys_of(model: type[Model], name: str = "key") -> list[str]:
    return sorted(model._default_manager.values_list(name, flat=True))


def test_a_subscriber_that_is_gone_is_waited_for_no_more(db: None) -> None:
    kept = this_service.ledger_weeks_kept() * 7
    for name, days in (("away", kept - 1), ("gone", kept + 1)):
        Subscriber.objects.create(
            name=name, confirmed_until=uuid7(), question=uuid7(), answered_at=days_ago(days)
        )

    assert retention()["subscribers that are gone"] == 1
    assert who_is_missing(uuid7()) == {"away"}


@pytest.mark.usefixtures("committed")
def test_in_small_steps_around_what_somebody_holds() -> None:
    for number in range(7):
        drift(str(number), days_ago(91))
    old = Drift.objects.filter(repaired_at__lt=days_ago(90))
    with other_connection() as other, other.transaction():
        other.execute("SELECT FROM polder_replication_drift WHERE key = '3' FOR UPDATE")

        assert delete_in_steps(old, at_once=2) == 6

    assert at_once(lambda: delete_in_steps(old, 2), lambda: delete_in_steps(old, 2)).count(1) == 1


@pytest.mark.parametrize("state", ["parked", "discarded"])
def test_nothing_is_forgotten_that_may_come_again(db: None, settings: Any, state: str) -> None:
    """It would be parked anew."""
    settings.POLDER = settings.POLDER | {"WEEKS_KEPT": 60}
    parked(state, 7 * 61 - 1)

    assert retention()["parked messages"] == 0


def test_a_tombstone_goes_when_it_is_old(db: None) -> None:
    for key, kind in (
        ("old", ProductRetired),
        ("young", ProductRetired),
        ("back", ProductChanged),
    ):
        deliver(product_event(kind, product_id=key))
    old = days_ago(tombstones_kept().days + 1)
    Product.objects.exclude(pk="young").update(synced_at=old)
    Product.objects.filter(pk="old").update(retired_at=old)

    assert forget_tombstones() == 1
    assert set(Product.objects.values_list("pk", flat=True)) == {"young", "back"}


def test_it_stays_as_long_as_an_older_event_may_be_redriven(db: None, settings: Any) -> None:
    kept = {"TOMBSTONES_DAYS": 1, "WEEKS_KEPT": 4, "PARKED_DAYS": 2, "DECIDED_DAYS": 3}
    settings.POLDER = settings.POLDER | kept
    assert tombstones_kept() == timedelta(weeks=5, days=3)


def test_what_stays_is_walked_over_once(db: None) -> None:
    """And not once more at each step: of millions that stay, few may go."""
    deliver(*(product_event(product_id=f"p{number}") for number in range(9)))
    rows = Product.objects.exclude(pk__in=["p1", "p4"])

    with CaptureQueriesContext(connection) as queries:
        assert delete_in_steps(rows, at_once=3) == 7

    steps = [one["sql"] for one in queries if one["sql"].startswith("SELECT")]
    assert [f"> '{last}'" in sql for last, sql in zip(["p3", "p7"], steps[1:], strict=True)] == [
        *(True, True),
    ]
    assert set(Product.objects.values_list("pk", flat=True)) == {"p1", "p4"}
