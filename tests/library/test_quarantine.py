"""A message that may be what kills its process."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from order_service.models import Product
from polder.inbox import quarantine
from polder.inbox.attempts import begin_attempts
from polder.inbox.batch_errors import ConsumerHalted, HeldBack, TransientFailure
from polder.inbox.delivery import Delivery
from polder.inbox.models import Attempt, LedgerEntry, ParkedEvent
from polder.inbox.quarantine import ATTEMPTS, apply_quarantined
from polder.inbox.redrive import redrive
from polder.testing import deliver, delivery_of
from tests.library.applying.outcomes import tallied
from tests.makers import product_event


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the task runs after it."""


def kill(deliveries: list[Delivery], **manner: object) -> None:
    raise Killed


@pytest.fixture
def delivery() -> Delivery:
    return delivery_of(product_event())


def test_the_third_attempt_that_is_lost_is_the_last(
    db: None, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    with monkeypatch.context() as patch:
        patch.setattr(quarantine, "apply_batch", kill)
        for _ in range(ATTEMPTS):
            with pytest.raises(Killed):
                apply_quarantined(delivery)

    # When
    report = apply_quarantined(delivery)

    # Then
    assert report.outcomes == {("inventory", "unreadable"): 1}
    parked = ParkedEvent.objects.get()
    assert (parked.reason, bytes(parked.body)) == ("kills-its-process", delivery.body)
    assert not Attempt.objects.exists()
    assert not LedgerEntry.objects.exists()

    # And when somebody fixed what killed it
    redrive(parked.pk)
    assert Product.objects.exists()
    assert tallied() == {("inventory", "unreadable"): 1, ("inventory", "redriven-applied"): 1}


@pytest.mark.parametrize(
    "error",
    [TransientFailure("away"), ConsumerHalted("no such column"), HeldBack("locked", [0], [])],
    ids=repr,
)
def test_the_moment_s_trouble_is_no_attempt(
    db: None, delivery: Delivery, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    # Given
    def fail(deliveries: list[Delivery], **manner: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(quarantine, "apply_batch", fail)
        for _ in range(ATTEMPTS + 3):
            with pytest.raises(type(error)):
                apply_quarantined(delivery)

    # When
    report = apply_quarantined(delivery)

    # Then
    assert report.outcomes == {("inventory", "applied"): 1}
    assert not Attempt.objects.exists()


def test_an_innocent_one_is_applied(db: None, delivery: Delivery) -> None:
    begin_attempts([delivery])
    begin_attempts([delivery])

    assert apply_quarantined(delivery).outcomes == {("inventory", "applied"): 1}
    assert not Attempt.objects.exists()
    assert apply_quarantined(delivery).outcomes == {("inventory", "duplicate"): 1}


def test_an_unreadable_one_is_parked_for_its_own_reason(db: None) -> None:
    apply_quarantined(delivery_of(b"{"))

    assert ParkedEvent.objects.get().reason == "not-json"


def test_without_a_database_nothing_is_known(
    db: None, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(deliveries: list[Delivery], survived: bool) -> int:
        raise OperationalError("no database")

    monkeypatch.setattr(quarantine, "begin_attempts", away)

    with pytest.raises(TransientFailure):
        apply_quarantined(delivery)


def test_attempts_are_counted_each_for_itself(db: None) -> None:
    one, other = delivery_of(b"1"), delivery_of(b"2")

    assert [begin_attempts(batch) for batch in ([one], [one], [other], [one])] == [
        [0],
        [1],
        [0],
        [2],
    ]
    assert begin_attempts([other, one], survived=True) == [0, 2]
    deliver(b"1")


def test_attempts_are_counted_by_a_role_that_may_not_see_when_its_session_began(db: None) -> None:
    one = delivery_of(b"1")
    with connection.cursor() as cursor:  # as `assume_role` hides it from whoever is not a member
        cursor.execute(
            "CREATE TEMPORARY VIEW pg_stat_activity AS SELECT pid, NULL::timestamptz AS "
            "backend_start FROM pg_catalog.pg_stat_activity"
        )
        cursor.execute("SET LOCAL search_path = pg_temp, pg_catalog, public")

    assert [begin_attempts([one]), begin_attempts([one])] == [[0], [1]]


def test_an_attempt_that_could_not_be_taken_back_is_no_loss(
    db: None, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away exactly when the attempt is to be taken back, three times and more."""

    def fail(*anything: object, **more: object) -> None:
        raise OperationalError("no database")

    with monkeypatch.context() as patch:
        patch.setattr(
            quarantine,
            "apply_batch",
            lambda *anything, **more: (_ for _ in ()).throw(TransientFailure("away")),
        )
        patch.setattr(quarantine, "end_attempts", fail)
        for attempt in range(ATTEMPTS + 3):
            with pytest.raises(TransientFailure):
                apply_quarantined(delivery, survived=attempt > 0)

    assert apply_quarantined(delivery, survived=True).outcomes == {("inventory", "applied"): 1}
