"""What cannot be read is parked; a type of which nothing can be read halts."""

from __future__ import annotations

import pytest

from polder.contracts import decode as contracts
from polder.contracts.decode import Unreadable
from polder.contracts.event import Event
from polder.inbox import reading
from polder.inbox.batch_errors import ConsumerHalted
from polder.inbox.judging import ALIKE, HOLD_SECONDS, HOLD_TRIES
from polder.inbox.models import ParkedEvent
from polder.inbox.waiting import halts, waiting_now
from polder.testing import deliver
from tests.library.judging.failing import live, make_older, nothing_is_parked, products
from tests.makers import product_event, stock_event


def unreadable(number: int) -> list[bytes]:
    """Events of a known type, as a decoder with a bug would see all of them."""
    return [
        event.encode().replace('"name":', '"nama":').encode() for event in products(number, "u")
    ]


def test_a_type_of_which_none_can_be_read_halts(db: None) -> None:
    with pytest.raises(ConsumerHalted, match="alike") as halted:
        live(*unreadable(ALIKE), *(stock_event(product_id=f"p{one}") for one in range(30)))

    assert nothing_is_parked()
    assert sorted(halted.value.positions or ()) == list(range(ALIKE))
    [halt] = halts()
    assert halt.signature == "invalid from inventory (ProductCreated): data.name missing"


def test_a_type_of_which_none_can_be_read_halts_by_ones(db: None) -> None:
    messages = unreadable(ALIKE)
    for body in messages[:-1]:
        deliver(stock_event(product_id="s"))
        while live(body) is not None:
            make_older(HOLD_SECONDS)
    with pytest.raises(ConsumerHalted):
        live(messages[-1])

    assert ParkedEvent.objects.count() == ALIKE - 1


def test_one_that_cannot_be_read_is_parked_and_stops_nothing(db: None) -> None:
    [body] = unreadable(1)

    held = live(body, *products(40))
    assert held is not None
    assert held.undecided == [0]
    for one in range(HOLD_TRIES - 1):
        live(body, product_event(product_id=f"another{one}"))

    assert ParkedEvent.objects.get().reason == "invalid"
    assert waiting_now() == []
    assert halts() == []


@pytest.mark.parametrize("key", ["a\x00b", "\ud800" * 400], ids=["NUL", "grows"])
def test_what_it_says_may_be_told_of_in_any_case(
    db: None, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """A decoder names where a message is wrong, by a key of the message's own, for one."""

    def decode(body: bytes) -> Event:
        if b"nama" in body:
            raise Unreadable("invalid", "so", f"data.counts.{key} value_error")
        return contracts.decode(body)

    monkeypatch.setattr(reading, "decode", decode)
    [body] = unreadable(1)

    assert live(body, *products(3)) is not None
    for one in range(HOLD_TRIES - 1):
        live(body, product_event(product_id=f"another{one}"))

    assert ParkedEvent.objects.get().reason == "invalid"


def test_one_aggregate_that_cannot_be_read_halts_nothing(db: None) -> None:
    """However many events of it there are."""
    bodies = [
        product_event(product_id="p", version=version).encode().replace('"name":', '"nama":')
        for version in range(1, 3 * ALIKE)
    ]

    report = deliver(*(body.encode() for body in bodies))

    assert report.outcomes == {("inventory", "unreadable"): len(bodies)}


def test_garbage_is_parked_at_once(db: None) -> None:
    assert live(*(b"{%d" % one for one in range(50))) is None

    assert ParkedEvent.objects.count() == 50
    assert waiting_now() == []
