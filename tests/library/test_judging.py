"""Failing alike is judged across batches and aggregates: a bug halts, and one bad event is
parked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from django.db import connection

from order_service.models import Order, Product
from polder.contracts.event import Event
from polder.inbox.applying import Manner, apply_batch
from polder.inbox.failures import ConsumerHalted, HeldBack
from polder.inbox.judging import ALIKE, HOLD_SECONDS, HOLD_TRIES
from polder.inbox.models import Halt, LedgerEntry, ParkedEvent, WaitingEvent
from polder.inbox.waiting import end_halts, halts, parked_before, waiting_now
from polder.reconcile import reconciler
from polder.reconcile.reconciler import Reconciler
from polder.testing import deliver, delivery_of
from tests.makers import product_event, stock_event

Reconcile = Callable[[Sequence[str]], None]
LIVE = Manner(hold_back=True)


@pytest.fixture
def reconcile_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Reconcile], None]:
    """Puts a reconciler of the test's in the place of the service's; it is woken by products."""

    def put(function: Reconcile) -> None:
        monkeypatch.setattr(
            reconciler,
            "reconcilers",
            [Reconciler(function, Order, (Product,), Product.objects.none)],
        )

    return put


def products(number: int, prefix: str = "p") -> list[Event]:
    return [product_event(product_id=f"{prefix}{one}") for one in range(number)]


def a_bug(keys: Sequence[str]) -> None:
    raise KeyError(keys[0])  # names the key


def bad(keys: Sequence[str]) -> None:
    if any(key.startswith("bad") for key in keys):
        raise KeyError(keys[0])


def live(*messages: Event | bytes) -> HeldBack | None:
    """As the worker applies them; what is held back."""
    try:
        apply_batch([delivery_of(message) for message in messages], manner=LIVE)
    except HeldBack as held:
        return held
    return None


def make_older(seconds: float) -> None:
    """What waits has waited for so much longer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE polder_inbox_waitingevent SET since = since - %s * interval '1 second'",
            [seconds],
        )


def nothing_is_parked() -> bool:
    return (
        not ParkedEvent.objects.exists()
        and not LedgerEntry.objects.filter(outcome="parked").exists()
    )


@pytest.mark.parametrize("number", [ALIKE, 30, 500])
def test_a_bug_halts_a_batch_though_its_error_names_the_key(
    db: None, reconcile_with: Callable[[Reconcile], None], number: int
) -> None:
    reconcile_with(a_bug)

    with pytest.raises(ConsumerHalted, match="alike") as halted:
        live(*products(number))

    assert nothing_is_parked()
    assert not LedgerEntry.objects.exists()
    assert halted.value.positions
    [halt] = halts()
    assert "KeyError in library/test_judging.py:a_bug (ProductCreated)" in halt.signature
    assert waiting_now()[0].number >= ALIKE


def test_innocent_ones_among_them_hide_nothing(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(a_bug)

    with pytest.raises(ConsumerHalted):
        live(*products(99), *(stock_event(product_id=f"p{one}") for one in range(99)))

    assert nothing_is_parked()


def try_until_decided(event: Event) -> None:
    """So slowly that it does not wait for the next one."""
    while live(event) is not None:
        make_older(HOLD_SECONDS)


def test_by_ones_and_twos(db: None, reconcile_with: Callable[[Reconcile], None]) -> None:
    """One event now and then, each alone in its batch, others succeed meanwhile."""
    # Given a bug
    reconcile_with(a_bug)

    # When it hits a handful
    for one in range(ALIKE - 1):
        deliver(stock_event(product_id=f"s{one}"))
        try_until_decided(product_event(product_id=f"p{one}"))
    last = product_event(product_id="last")
    with pytest.raises(ConsumerHalted):
        live(last)

    # Then all is halted, and that holds
    assert end_halts() == set(), "it is not fixed"
    with pytest.raises(ConsumerHalted):
        live(last)
    assert ParkedEvent.objects.count() == ALIKE - 1

    # And the few that were parked come back when it is fixed
    reconcile_with(lambda keys: None)
    report = apply_batch([delivery_of(last)], manner=Manner(hold_back=True, retried=True))
    assert set(parked_before(report.ended)) == set(ParkedEvent.objects.values_list("pk", flat=True))
    assert not Halt.objects.exists()


def test_without_holding_back_it_halts_as_soon(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(a_bug)

    for event in products(ALIKE - 1):
        assert deliver(event).outcomes == {("inventory", "parked"): 1}
    with pytest.raises(ConsumerHalted):
        deliver(product_event(product_id="another"))

    assert ParkedEvent.objects.count() == ALIKE - 1


def test_a_halt_holds_whoever_tries(db: None, reconcile_with: Callable[[Reconcile], None]) -> None:
    """A restart, a return by the broker: the same messages in other batches, alone and together, in
    other processes."""
    reconcile_with(a_bug)
    events = products(ALIKE)
    with pytest.raises(ConsumerHalted):
        live(*events)

    for event in events * (HOLD_TRIES + 2):
        make_older(HOLD_SECONDS)
        with pytest.raises(ConsumerHalted):
            live(event)

    assert nothing_is_parked()


def test_one_bad_event_is_parked_quickly_and_stops_nothing(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    # Given
    reconcile_with(bad)
    poison = product_event(product_id="bad")

    # When it comes with others
    held = live(poison, *products(40))

    # Then they are applied at once
    assert held is not None
    assert (held.undecided, held.locked) == ([0], [])
    assert LedgerEntry.objects.filter(outcome="applied").count() == 40

    # And it is parked after a few tries, because its like succeeds
    for _ in range(HOLD_TRIES - 2):
        assert live(poison, product_event(product_id="another")) is not None
    assert live(poison) is None
    assert ParkedEvent.objects.get().subject == "bad"
    assert waiting_now() == []
    assert live(poison) is None  # a duplicate


def test_a_bad_event_that_is_all_there_is_waits_a_little_longer(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(bad)
    poison = product_event(product_id="bad")

    for _ in range(HOLD_TRIES + 3):
        assert live(poison) is not None
    make_older(HOLD_SECONDS)

    assert live(poison) is None
    assert ParkedEvent.objects.count() == 1


def test_many_bad_ones_among_more_good_ones_are_parked(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(bad)

    report = deliver(*products(4 * ALIKE), *products(2 * ALIKE, "bad"))

    assert report.outcomes == {
        ("inventory", "applied"): 4 * ALIKE,
        ("inventory", "parked"): 2 * ALIKE,
    }
    assert halts() == []


def test_a_halt_for_what_was_bad_after_all_ends_by_itself(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    # Given five bad ones in a row, at a quiet hour
    reconcile_with(bad)
    poison = products(ALIKE, "bad")
    with pytest.raises(ConsumerHalted):
        live(*poison)

    # When others like them prove to be fine
    assert live(*products(ALIKE + 1)) is None

    # Then the bad ones are judged anew
    assert live(*poison) is not None
    for _ in range(HOLD_TRIES):
        live(*poison)
    assert ParkedEvent.objects.count() == ALIKE


def test_what_failed_and_was_mended_is_no_evidence(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    # Given
    reconcile_with(a_bug)
    for event in products(ALIKE - 1):
        live(event)

    # When it was fixed, all was applied, and another one fails
    reconcile_with(bad)
    assert live(*products(ALIKE - 1)) is None or LedgerEntry.objects.count() == ALIKE - 1
    held = live(product_event(product_id="bad"))

    # Then
    assert held is not None
    assert halts() == []


@pytest.mark.parametrize(
    "old",
    ['"dataschema":"inventory/ProductCreated/1"', '"type":"ProductCreated"'],
    ids=["a newer version", "an unknown type"],
)
def test_a_publisher_that_is_ahead(db: None, old: str) -> None:
    """Only such: halt. Among others: parked, until the code knows them."""
    new = old.replace("/1", "/9").replace('"type":"ProductCreated"', '"type":"ProductRenamed"')
    ahead = [event.encode().replace(old, new).encode() for event in products(30)]

    with pytest.raises(ConsumerHalted):
        deliver(*ahead)
    assert nothing_is_parked()

    outcomes = deliver(*ahead, *(stock_event(product_id=f"p{one}") for one in range(30))).outcomes
    assert outcomes == {("inventory", "unreadable"): 30, ("inventory", "applied"): 30}


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


def test_what_waited_and_is_applied_waits_no_more(
    db: None, reconcile_with: Callable[[Reconcile], None]
) -> None:
    reconcile_with(bad)
    poison = product_event(product_id="bad")
    live(poison)
    assert WaitingEvent.objects.count() == 1

    reconcile_with(lambda keys: None)
    apply_batch([delivery_of(poison)], manner=Manner(hold_back=True, retried=True))

    assert not WaitingEvent.objects.exists()
