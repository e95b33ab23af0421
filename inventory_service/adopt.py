"""What the inventory service takes back after a restore: order keeps products and the numbers of
the stock whole, order and shipping the statuses of reservations; their lines are the orders'.

Of the stock first, so that what was held and has left finds the goods that came in since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from common.contracts.inventory import ReservationStatus, StockChanged
from inventory_service.booking import Booking
from inventory_service.models import Movement, Order, Product, Reservation, Stock
from inventory_service.selectors import orders_known, stock_locked
from polder.database.partitioning import database_now
from polder.domain.aggregate import aggregate_name, save_changed
from polder.outbox import fence
from polder.outbox.guard.bypass import unguarded
from polder.outbox.publish import publish
from polder.pasts.adoption import Case, Proofs, adopts

REASON = "restored from a backup: as others knew it"
KEPT = ("name", "price.amount", "price.currency", "weight_grams")
Lines = Sequence[Mapping[str, Any]]


@adopts(Product)
def adopt_products(cases: Sequence[Case[Product]], proofs: Proofs) -> None:
    for case in cases:
        if not case.proven.keeps(*KEPT):
            case.undecidable("nobody keeps its name, price and weight")
            continue
        is_retired = case.proven.is_retired
        if case.row is None:
            case.make(Product(product_id=case.key))
        assert case.row is not None
        case.announce(
            name=case.proven.get("name"),
            price=Decimal(case.proven.get("price.amount")),
            currency=case.proven.get("price.currency"),
            weight_grams=case.proven.get("weight_grams"),
            retired_at=(case.row.retired_at or database_now()) if is_retired else None,
        )
    _give_stock([case.key for case in cases if case.events])


@adopts(Stock)
def adopt_stock(cases: Sequence[Case[Stock]], proofs: Proofs) -> None:
    """What is on hand was counted after the goods of some reservations had left: those are taken
    from it when the reservations are adopted."""
    leaving = _leaving(proofs)
    products = set(
        Product.objects.filter(pk__in=[case.key for case in cases]).values_list("pk", flat=True)
    )
    movements = []
    for case in cases:
        if case.key not in products:
            case.undecidable("its product is not known here")
            continue
        if not case.proven.keeps("on_hand"):
            case.undecidable("nobody keeps its numbers")
            continue
        if case.row is None:
            case.make(Stock(product_id=case.key))
        assert case.row is not None
        on_hand = case.proven.get("on_hand") + leaving[case.key]
        if on_hand < case.row.reserved:
            case.undecidable(
                f"{case.row.reserved} are reserved here, and others knew {on_hand} on hand"
            )
            continue
        if more := on_hand - case.row.on_hand:
            movements.append(_adjusted(case.key, more, uuid7()))
        case.announce(on_hand=on_hand)
    Movement.objects.bulk_create(movements)


def _stock_of(order_ids: Sequence[str]) -> set[str] | None:
    """Of what is in these reservations; None where nobody can tell that of one."""
    ours = {row.pk: row for row in Reservation.objects.filter(pk__in=order_ids)}
    orders = orders_known(order_ids)
    lines = [_lines(ours.get(key), orders.get(key)) for key in map(UUID, order_ids)]
    return {line["productId"] for of_one in lines for line in of_one} if all(lines) else None


@adopts(Reservation, changes={Stock: _stock_of})
def adopt_reservations(cases: Sequence[Case[Reservation]], proofs: Proofs) -> None:
    """With what each of its moves does to the stock; never opened again, whatever is here."""
    orders = orders_known([case.key for case in cases if case.row is None])
    found = [case for case in cases if _is_decidable(case, orders.get(UUID(case.key)))]
    booking = Booking(stock_locked({UUID(one.key): _products(one, orders) for one in found}))
    added: list[Movement] = []
    for case in found:
        if case.row is None:
            case.make(_reservation(case, orders[UUID(case.key)]))
        assert case.row is not None
        missing = {line["productId"] for line in case.row.lines} - booking.stock.keys()
        if missing and case.proven.status != ReservationStatus.REJECTED:
            case.undecidable(f"there is no stock of {', '.join(sorted(missing))} here")
            continue
        case.come_to(case.proven.status or "")
        added += _book(case, booking)
    changed = booking.changed()
    Movement.objects.bulk_create([*added, *booking.movements])
    save_changed([stock for stock, _ in changed], "on_hand", "reserved")
    publish(*(StockChanged.of(stock, caused_by=str(cause)) for stock, cause in changed))


def _give_stock(product_ids: Collection[str]) -> None:
    """A product has a stock, also when nobody keeps its numbers: one with nothing on hand. Nobody
    hears of it while others know better: it is adopted yet, or accepted."""
    missing = {*product_ids} - set(
        Stock.objects.filter(pk__in=product_ids).values_list("pk", flat=True)
    )
    if not missing:
        return
    rows = [Stock(product_id=product_id) for product_id in sorted(missing)]
    fenced = fence.fenced_keys(aggregate_name(Stock), missing)
    with unguarded("the stock of products that are taken back"):
        Stock.objects.bulk_create(rows)
    publish(*(StockChanged.of(stock) for stock in rows if stock.pk not in fenced))


def _is_decidable(case: Case[Reservation], order: Order | None) -> bool:
    if case.proven.status is None:
        case.undecidable("nobody keeps its status")
    elif case.row is None and order is None:
        case.undecidable("its order is not known here, so nobody can tell what is in it")
    return not case.problem


def _reservation(case: Case[Reservation], order: Order) -> Reservation:
    shortages = case.proven.get("shortages", [])
    return Reservation(order_id=order.pk, lines=_lines(None, order), shortages=shortages)


def _products(case: Case[Reservation], orders: Mapping[UUID, Order]) -> set[str]:
    return {line["productId"] for line in _lines(case.row, orders.get(UUID(case.key)))}


def _lines(reservation: Reservation | None, order: Order | None) -> list[dict[str, Any]]:
    if reservation is not None:
        return list(reservation.lines)
    return [
        {"productId": line["productId"], "quantity": line["quantity"]}
        for line in (order.products if order else ())
    ]


def _book(case: Case[Reservation], booking: Booking) -> list[Movement]:
    """Its moves, as the events tell them. What was held was there: where the stock does not know
    of it, it is added."""
    assert case.row is not None
    added = []
    for event in case.events:
        state: Any = event.data
        if case.was_status == state.status:
            continue
        if state.status == ReservationStatus.HELD:
            for line in state.products:
                stock = booking.stock[line.product_id]
                if (short := line.quantity - stock.available) > 0:
                    stock.on_hand += short
                    added.append(_adjusted(stock.pk, short, UUID(case.key)))
        booking.book(Reservation(order_id=case.key, status=state.status, lines=case.row.lines))
    return added


def _adjusted(product_id: str, number: int, cause: UUID) -> Movement:
    return Movement(
        product_id=product_id,
        kind=Movement.Kind.ADJUST,
        on_hand=number,
        cause=cause,
        reason=REASON,
    )


def _leaving(proofs: Proofs) -> Counter[str]:
    """By product: what is taken from the stock when the reservations are adopted."""
    consumed = [
        key
        for key, proven in proofs.of(Reservation).items()
        if proven.status == ReservationStatus.CONSUMED
    ]
    ours = {row.pk: row for row in Reservation.objects.filter(pk__in=consumed)}
    orders = orders_known([key for key in consumed if UUID(key) not in ours])
    leaving: Counter[str] = Counter()
    for key in map(UUID, consumed):
        if key not in ours or ours[key].status == ReservationStatus.HELD:
            for line in _lines(ours.get(key), orders.get(key)):
                leaving[line["productId"]] += line["quantity"]
    return leaving
