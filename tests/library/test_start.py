"""A process asks the subscribers before it begins, and waits for their answers, for a bounded
time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductChanged
from polder.consumer.housekeeping import redrive_at_start
from polder.contracts.event import Event
from polder.outbox import gate
from polder.outbox.models import Subscriber
from polder.outbox.publish import publish
from polder.pasts import owner, start
from polder.pasts.messages import Answer
from polder.testing import deliver
from tests.makers import order_event, product_event

LONG_AGO = UUID(int=0)


@pytest.fixture(autouse=True)
def _stays_connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The test's transaction is on the connection."""
    monkeypatch.setattr(start.connection, "close", lambda: None)
    monkeypatch.setattr(start, "hear_one", lambda queue, use: False)
    yield
    gate._Gate.began = None


def answered(name: str, question: UUID | None = None) -> None:
    asked = question or owner.new_question()
    owner.learn(Answer(subscriber=name, question=asked, known=[], confirms=LONG_AGO))


def says(monkeypatch: pytest.MonkeyPatch, *names: str, listens: bool = True) -> list[UUID]:
    """The subscribers of these names answer at once."""
    asked: list[UUID] = []

    def ask() -> UUID | None:
        question = owner.new_question()
        asked.append(question)
        for name in names:
            answered(name, question)
        return question if listens else None

    monkeypatch.setattr(owner, "ask", ask)
    return asked


def test_whoever_has_said_nothing_asks_nobody(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = says(monkeypatch)

    assert start.wait_for_answers()
    assert not asked


def test_everybody_who_ever_answered(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("inventory", "shipping"):
        answered(name)
    says(monkeypatch, "inventory", "shipping")

    assert start.wait_for_answers()


def test_it_reads_the_answers_itself(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its housekeeper is not there yet."""
    publish(order_event())
    asked = says(monkeypatch)

    def hear_one(queue: str, use: Callable[[bytes], None]) -> bool:
        answer = Answer(subscriber="shipping", question=asked[-1], known=[], confirms=LONG_AGO)
        use(answer.model_dump_json().encode())
        return True

    monkeypatch.setattr(start, "hear_one", hear_one)

    assert start.wait_for_answers(5)
    assert Subscriber.objects.get().name == "shipping"


def test_one_is_away(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("inventory", "shipping"):
        answered(name)
    says(monkeypatch, "inventory")
    began = time.monotonic()

    assert not start.wait_for_answers(0.3)

    assert time.monotonic() - began >= 0.3
    assert "shipping did not tell" in caplog.text


def test_nobody_has_answered_yet(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(order_event())
    says(monkeypatch)
    assert not start.wait_for_answers(0.2)
    says(monkeypatch, listens=False)
    assert start.wait_for_answers(0.2)
    says(monkeypatch, "shipping")
    assert start.wait_for_answers(0.2)


def test_nobody_listens_of_those_that_have_answered(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker was set up anew, and they have not declared their queues yet."""
    answered("shipping")
    says(monkeypatch, listens=False)
    assert not start.wait_for_answers(0.2)
    says(monkeypatch, "shipping")
    assert start.wait_for_answers(5)


def test_a_broker_that_is_away_is_asked_again(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(order_event())
    asked = says(monkeypatch, "shipping")
    ask, tries = owner.ask, iter((ConnectionError, OSError))

    def refuses() -> UUID | None:
        if (error := next(tries, None)) is not None:
            raise error
        return ask()

    monkeypatch.setattr(owner, "ask", refuses)
    monkeypatch.setattr(start, "ASKS", 0.01)

    assert start.wait_for_answers()
    assert len(asked) == 1


def test_the_housekeeper_does_not_act_before(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gate.may_act()  # no housekeeper
    answered("shipping")
    gate.begin()
    assert not gate.may_act()
    Subscriber.objects.update(question=uuid7())
    assert gate.may_act()

    gate.begin()
    monkeypatch.setattr(gate, "PATIENCE", 0.0)
    assert gate.may_act()


def test_nor_does_it_apply_what_was_parked(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as old:
        old.delitem(Event.known, ("inventory", "ProductChanged"))
        deliver(product_event(ProductChanged, version=2))
    answered("shipping")
    gate.begin()

    assert redrive_at_start() == {}
    Subscriber.objects.update(question=uuid7())
    assert redrive_at_start() == {"redriven-applied": 1}
