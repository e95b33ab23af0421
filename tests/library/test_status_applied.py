"""`/ops/applied/{eventId}`: whether a subscriber has processed an event, and waiting for that."""

from __future__ import annotations

import time
from threading import BoundedSemaphore
from typing import Any
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from polder.api.models import Scope
from polder.inbox.models import LedgerEntry, Outcome
from polder.observability import applied
from polder.testing import deliver, eventually
from polder.testing.api import api_client, assert_problem
from polder.testing.database import at_once, other_connection
from tests.makers import product_event


def address(event_id: object) -> str:
    return f"/ops/applied/{event_id}"


def test_what_was_applied(db: None) -> None:
    # Given
    event = product_event()
    deliver(event)

    # When
    response = api_client(Scope.READ).get(address(event.id))

    # Then
    shown = response.json()
    assert response.status_code == 200
    assert shown.pop("receivedAt") <= shown.pop("appliedAt")
    assert shown == {
        "eventId": str(event.id),
        "applied": True,
        "outcome": "applied",
        "publisher": "inventory",
    }


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever would wait fails instead."""
    monkeypatch.setattr(applied, "FIRST_PAUSE", "nobody waits")


def test_what_was_not(db: None, no_pause: None) -> None:
    problem = assert_problem(api_client().get(address(uuid7())), 404, "not-applied")

    assert problem["applied"] is False


@pytest.mark.parametrize(
    "query",
    ["wait=11", "wait=-1", "wait=x", "wait=1.5", "wait=NaN", "wait=%00", "wait=1_0", "wait=%2B5"],
)
def test_a_wait_that_makes_no_sense(db: None, query: str) -> None:
    assert list(
        assert_problem(api_client().get(f"{address(uuid7())}?{query}"), 400, "invalid")["errors"]
    ) == ["wait"]


def test_an_id_that_is_no_event_s(db: None) -> None:
    assert list(assert_problem(api_client().get(address(uuid4())), 400, "invalid")["errors"]) == [
        "eventId"
    ]
    assert_problem(
        api_client().get(address("ffffffff-ffff-7fff-8fff-ffffffffffff")), 404, "not-applied"
    )


def test_waiting_in_vain(db: None) -> None:
    began = time.monotonic()

    assert_problem(api_client().get(f"{address(uuid7())}?wait=1"), 404, "not-applied")

    assert time.monotonic() - began >= 1


def test_what_was_parked_is_not_applied(db: None) -> None:
    deliver(event := product_event())
    LedgerEntry.objects.filter(pk=event.id).update(outcome=Outcome.PARKED)

    shown = api_client().get(address(event.id)).json()

    assert (shown["applied"], shown["outcome"]) == (False, "parked")


def test_waiting_until_it_is_applied_without_a_transaction(committed: None) -> None:
    event, client = product_event(), api_client()
    transactions: list[Any] = []

    def asks() -> Any:
        return client.get(f"{address(event.id)}?wait=10")

    def applies() -> None:
        eventually(lambda: applied._waiting._value < 4)  # type: ignore[attr-defined]
        with other_connection() as other:
            for _ in range(20):
                rows = other.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state "
                    "LIKE 'idle in transaction%'"
                )
                transactions.extend(rows.fetchall())
                time.sleep(0.01)
        deliver(event)

    # When
    response, _ = at_once(asks, applies)

    # Then
    assert response.json()["applied"] is True
    assert transactions == []


def test_when_too_many_wait_already_the_answer_comes_at_once(
    db: None, no_pause: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    waiting = BoundedSemaphore(1)
    monkeypatch.setattr(applied, "_waiting", waiting)
    waiting.acquire()

    # Then
    assert_problem(api_client().get(f"{address(uuid7())}?wait=10"), 404, "not-applied")
