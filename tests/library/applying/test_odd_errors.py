"""Errors that are no ordinary ones: each is told, and judged as any other."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Sequence
from uuid import uuid4

import pytest
from django.db import InterfaceError, OperationalError, connection

from polder.errors import ending
from polder.errors.faults import Fault
from polder.inbox.batch import apply_batch
from polder.inbox.batch_errors import ConsumerHalted, TransientFailure
from polder.inbox.conditions import events_waiting
from polder.inbox.models import ParkedEvent, WaitingEvent
from polder.inbox.report import Manner
from polder.inbox.waiting import halts
from polder.reconcile.reconciler import Reconcile
from polder.testing import deliver, delivery_of
from tests.library.applying.outcomes import sql_error
from tests.library.judging.failing import live, products
from tests.makers import product_event


class Mute(Exception):
    def __str__(self) -> str:
        raise LookupError

    __repr__ = __str__


def raising(error: BaseException | type[BaseException]) -> Reconcile:
    def reconcile(keys: Sequence[str]) -> None:
        if "bad" in keys:
            raise error

    return reconcile


@pytest.mark.parametrize(
    "error", [Mute(), SystemExit(3), GeneratorExit(), CancelledError()], ids=lambda one: type(one)
)
def test_it_is_the_fault_of_its_event(
    db: None, reconcile_with: Callable[[Reconcile], None], error: BaseException
) -> None:
    reconcile_with(raising(error))

    report = deliver(*products(5), product_event(product_id="bad"))

    assert report.outcomes == {("inventory", "applied"): 5, ("inventory", "parked"): 1}
    [parked] = ParkedEvent.objects.all()
    assert parked.error
    assert type(error).__name__ in parked.traceback


def test_a_bug_that_ends_processes_halts_as_any_other(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    def leave(keys: Sequence[str]) -> None:
        raise SystemExit(3)

    reconcile_with(leave)

    with pytest.raises(ConsumerHalted, match="alike"):
        live(*products(30))

    assert "test_odd_errors.py:leave" in halts()[0].signature


def test_ctrl_c_ends_the_process(db: None, reconcile_with: Callable[[Reconcile], None]) -> None:
    reconcile_with(raising(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        deliver(product_event(product_id="bad"))


def test_of_several_errors_together_the_database_s_tells(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    def reconcile(keys: Sequence[str]) -> None:
        try:
            sql_error("55P03")
        except Exception as error:
            raise ExceptionGroup("two", [ValueError("no"), error]) from None

    reconcile_with(reconcile)

    held = live(product_event())

    assert held is not None
    assert (held.locked, held.undecided) == ([0], [])


def test_a_process_that_was_told_to_end_ends(
    db: None, reconcile_with: Callable[[Reconcile], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "told_to_end", [lambda: True])
    reconcile_with(raising(SystemExit(-241)))

    with pytest.raises(SystemExit):
        deliver(product_event(product_id="bad"))


def test_code_that_closes_the_connection_is_told_from_a_database_that_is_away(
    transactional_db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(lambda keys: connection.close())

    with pytest.raises(ConsumerHalted, match="has closed the database's connection"):
        live(*products(3))

    assert "closed the database's connection" in halts()[0].reason
    reconcile_with(lambda keys: None)
    assert live(*products(3)) is None


@pytest.mark.parametrize(
    "error", [InterfaceError("the cursor is closed"), OperationalError("so"), TimeoutError()]
)
def test_an_error_of_code_does_not_say_that_the_database_is_away(
    db: None, reconcile_with: Callable[[Reconcile], None], error: Exception
) -> None:
    reconcile_with(raising(error))

    report = deliver(*products(5), product_event(product_id="bad"))

    assert report.outcomes == {("inventory", "applied"): 5, ("inventory", "parked"): 1}


def test_a_connection_that_broke_is_no_event_s_fault(
    transactional_db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    def cut(keys: Sequence[str]) -> None:
        assert connection.connection is not None
        connection.connection.pgconn.finish()
        raise InterfaceError("the connection is closed")

    reconcile_with(cut)

    with pytest.raises(TransientFailure) as failure:
        live(*products(3))

    assert failure.value.fault is Fault.AWAY


@pytest.mark.parametrize(
    ("code", "told"),
    [("57014", "too much for the database by itself"), ("55000", "the moment's fault")],
)
def test_what_is_too_much_by_itself_is_told(
    db: None, reconcile_with: Callable[[Reconcile], None], code: str, told: str
) -> None:
    event, again = product_event(product_id="p1"), Manner(hold_back=True, retried=True)
    reconcile_with(lambda keys: sql_error(code))
    for _ in range(2):
        with pytest.raises(TransientFailure):
            apply_batch([delivery_of(event)], manner=again)
    with pytest.raises(TransientFailure):
        live(*products(3))

    [waiting] = WaitingEvent.objects.all()
    assert (waiting.type, waiting.subject, waiting.tries) == ("ProductCreated", "p1", 2)
    sentence = events_waiting().sentence
    assert told in sentence
    assert "ProductCreated p1" in sentence

    reconcile_with(lambda keys: None)
    apply_batch([delivery_of(event)], manner=again)
    assert events_waiting().state == "ok"


def test_why_it_halts_is_told_once_though_the_words_differ(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    def reconcile(keys: Sequence[str]) -> None:
        raise OSError(f"no such file: /tmp/{uuid4()}")

    reconcile_with(reconcile)

    for _ in range(3):
        with pytest.raises(ConsumerHalted):
            live(product_event())

    [halt] = halts()
    assert halt.tries == 3
