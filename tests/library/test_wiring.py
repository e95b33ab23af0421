"""Wrong wiring is reported by Django's system checks, by name, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core.checks import Error
from django.db import models
from django.test.utils import isolate_apps

from order_service.models import Order, Product
from polder.contracts import event as events
from polder.contracts.event import Event, State
from polder.domain.aggregate import Aggregate, StatefulAggregate
from polder.domain.states import Moves
from polder.outbox.checks import aggregates_fit_their_contracts, event_types_are_named_once
from polder.reconcile import reconciler
from polder.reconcile.checks import reconcilers_are_woken
from polder.replication import checks as replica_checks
from polder.replication import replica as replicas
from polder.replication.replica import Replica

HERE = "order_service.models"  # the app that a model of these tests is taken to be in


class NoteState(State):
    note_id: UUID
    text: str
    author: str | None = None
    status: str = "open"


class NoteEvent(Event):
    service = "order"
    aggregate = "note"
    data: NoteState


@pytest.fixture(autouse=True)
def _registries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test declares is forgotten after it."""
    monkeypatch.setattr(Event, "known", dict(Event.known))
    monkeypatch.setattr(Event, "clashes", [])
    monkeypatch.setattr(replicas, "replications", dict(replicas.replications))
    monkeypatch.setattr(replicas, "clashes", [])
    monkeypatch.setattr(replica_checks, "clashes", replicas.clashes)
    with isolate_apps("order_service"):
        yield


def found(errors: list[Error]) -> list[str]:
    return [f"{error.id} {error.msg}" for error in errors]


def replica_errors(model: type[Replica], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("polder.replication.checks.apps.get_models", lambda: [model])
    return found(replica_checks.replicas_fit_their_contracts())


def aggregate_errors(model: type[Aggregate], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("polder.outbox.checks.apps.get_models", lambda: [model])
    return found(aggregates_fit_their_contracts())


def test_the_service_itself_is_wired_right() -> None:
    assert (
        event_types_are_named_once()
        == aggregates_fit_their_contracts()
        == reconcilers_are_woken()
        == []
    )
    assert replica_checks.replicas_fit_their_contracts() == []


def test_a_second_event_type_of_one_name() -> None:
    class NoteAdded(NoteEvent):
        """The first."""

    first = NoteAdded

    class NoteAdded(NoteEvent):  # type: ignore[no-redef]
        """The second."""

    assert Event.known["order", "NoteAdded"] is first
    [told] = found(event_types_are_named_once())
    assert told.startswith("polder.E001 order has two event types named NoteAdded")


def test_two_services_may_use_one_name() -> None:
    class OrderCreated(Event):
        service = "billing"
        aggregate = "order"
        data: NoteState

    assert event_types_are_named_once() == []
    assert events.events_of(OrderCreated) == []  # it is a base class: it names its service


def test_a_replica_without_an_aggregate(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing(Replica):
        __module__ = HERE

    [told] = replica_errors(Nothing, monkeypatch)
    assert told.startswith("polder.E010")


def test_a_replica_of_an_aggregate_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Misspelt(Replica, of="inventry.prodct"):
        __module__ = HERE

    assert replica_errors(Misspelt, monkeypatch) == [
        "polder.E011 No contract describes inventry.prodct."
    ]


def test_a_replica_with_a_field_that_its_contract_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    class Misspelt(Replica, of="inventory.stock", reserved="held.number"):
        __module__ = HERE
        naam = models.CharField(max_length=10)
        reserved = models.IntegerField()

    monkeypatch.setattr(replicas, "clashes", [])
    monkeypatch.setattr(replica_checks, "clashes", [])
    assert replica_errors(Misspelt, monkeypatch) == [
        "polder.E013 order.Misspelt takes 'naam', which StockState lacks.",
        "polder.E013 order.Misspelt takes 'held.number', which StockState lacks.",
    ]


def test_a_path_for_a_field_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(Replica, of="shipping.shipment", colour="carrier"):
        __module__ = HERE

    monkeypatch.setattr(replica_checks, "clashes", [])
    assert replica_errors(Other, monkeypatch) == [
        "polder.E013 order.Other gives a path for colour, and has no such field."
    ]


def test_a_column_that_may_not_be_null_for_what_may(monkeypatch: pytest.MonkeyPatch) -> None:
    class Heavy(Replica, of="inventory.product"):
        __module__ = HERE
        weight_grams = models.IntegerField()

    monkeypatch.setattr(replica_checks, "clashes", [])
    [told] = replica_errors(Heavy, monkeypatch)
    assert told.startswith("polder.E014 order.Heavy takes 'weight_grams', which may be null")


def test_a_column_that_cannot_hold_what_its_member_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(Replica, of="inventory.product", price="price.amount"):
        __module__ = HERE
        name = models.CharField(max_length=50)
        price = models.DecimalField(max_digits=12, decimal_places=0)

    monkeypatch.setattr(replica_checks, "clashes", [])
    assert replica_errors(Short, monkeypatch) == [
        "polder.E036 order.Short.name takes 'name', a text of up to 500 characters, into 50.",
        "polder.E036 order.Short.price takes 'price.amount', a number of up to 10 digits and up to "
        "2 places, into 12 digits and 0 places.",
    ]


def test_a_second_replica_of_one_aggregate(monkeypatch: pytest.MonkeyPatch) -> None:
    class Again(Replica, of="inventory.product"):
        __module__ = HERE

    [told] = replica_errors(Again, monkeypatch)
    assert (
        told == "polder.E012 order.Product and order.Again are both replicas of inventory.product."
    )


def test_an_aggregate_without_a_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Aggregate):
        __module__ = HERE

    assert aggregate_errors(Silent, monkeypatch) == ["polder.E002 order.Silent names no contract."]


def test_an_aggregate_with_another_service_s_contract_and_no_public_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class ForeignEvent(Event):
        service = "billing"
        aggregate = "bill"
        data: NoteState

    class Foreign(Aggregate):
        __module__ = HERE
        contract = ForeignEvent

    assert [told.split()[0] for told in aggregate_errors(Foreign, monkeypatch)] == [
        "polder.E003",
        "polder.E005",
    ]


def test_several_events_and_none_that_says_what_it_is_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class NoteAdded(NoteEvent):
        """One."""

    class NoteChanged(NoteEvent):
        """Another."""

    class Silent(Aggregate):
        __module__ = HERE
        contract = NoteEvent

        def public_state(self) -> State:
            raise NotImplementedError

    class Note(Aggregate):
        __module__ = HERE
        contract = NoteEvent

        def public_state(self) -> State:
            raise NotImplementedError

        def announcement(self) -> Event:
            return NoteChanged.of(self)

    assert [told.split()[0] for told in aggregate_errors(Silent, monkeypatch)] == ["polder.E033"]
    assert aggregate_errors(Note, monkeypatch) == []


def test_statuses_and_events_that_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoteOpened(NoteEvent):
        status = "open"

    class NoteReopened(NoteEvent):
        status = "open"

    class NoteBurnt(NoteEvent):
        status = "burnt"

    class Note(StatefulAggregate):
        __module__ = HERE
        contract = NoteEvent
        moves = Moves({"open": {"closed"}, "closed": set()}, initial={"open"})
        status = models.CharField(max_length=10)

        def public_state(self) -> NoteState:
            return NoteState(note_id=self.pk, text="")

    assert aggregate_errors(Note, monkeypatch) == [
        "polder.E004 No event announces that order.Note is 'closed'.",
        "polder.E004 An event announces 'burnt', which order.Note never is.",
        "polder.E004 Two events announce that order.Note is 'open'.",
    ]


def made(**changes: Any) -> reconciler.Reconciler:
    values: dict[str, Any] = {
        "function": test_the_service_itself_is_wired_right,
        "model": Product,
        "watching": (Product,),
        "overdue": Product.objects.all,
    }
    return reconciler.Reconciler(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"watching": ()}, "polder.E020"),
        ({"watching": (Order,)}, "polder.E020"),
        ({"model": Order}, "polder.E021"),
        ({"through": {Order: list}}, "polder.E022"),
    ],
)
def test_a_reconciler_that_is_never_woken(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], told: str
) -> None:
    reconciler.reconcilers.append(made(**changes))
    try:
        assert [error.split()[0] for error in found(reconcilers_are_woken())] == [told]
    finally:
        reconciler.reconcilers.pop()


def test_a_field_that_hides_what_an_aggregate_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text named `subject` would be the key that its events name."""

    class Note(Aggregate):
        contract = NoteEvent
        subject = models.CharField(max_length=20)  # type: ignore[assignment]

        class Meta:
            app_label = "order_service"

    [error] = aggregate_errors(Note, monkeypatch)

    assert error == (
        "polder.E031 order_service.Note has a field 'subject', which every aggregate has for "
        "itself."
    )


def test_a_field_that_hides_what_a_replica_has(monkeypatch: pytest.MonkeyPatch) -> None:
    class Note(Replica, of="order.note"):
        event_id = models.CharField(max_length=64, null=True)  # type: ignore[assignment]

        class Meta:
            app_label = "order_service"

    class NoteAdded(NoteEvent):
        """There is one."""

    [error] = replica_errors(Note, monkeypatch)

    assert error.startswith("polder.E032 order_service.Note has a field 'event_id'")
