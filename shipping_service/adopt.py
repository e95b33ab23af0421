"""What the shipping service takes back of its shipments after a restore: order and inventory keep
their statuses, order the carrier; what is in them follows from the order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.contracts.shipping import ShipmentStatus
from polder.pasts.adoption import Case, Proofs, adopts
from shipping_service.models import Shipment
from shipping_service.models.replicas import Order
from shipping_service.reconcile import PACKED, shipment_of
from shipping_service.selectors import orders_known

CARRIED = ("carrier", "tracking_number")
LEFT = (ShipmentStatus.DISPATCHED, ShipmentStatus.DELIVERED)


@adopts(Shipment)
def adopt_shipments(cases: Sequence[Case[Shipment]], proofs: Proofs) -> None:
    orders = {str(key): order for key, order in orders_known([one.key for one in cases]).items()}
    for case in cases:
        status, order = case.proven.status, orders.get(case.key)
        if status is None:
            case.undecidable("nobody keeps its status")
        elif case.row is None and order is None:
            case.undecidable("its order is not known here, so nobody can tell what is in it")
        else:
            if case.row is None and order is not None:
                case.make(shipment_of(order))
            if status in LEFT and not case.proven.keeps(*CARRIED):
                case.unknown += CARRIED
            case.come_to(status, **_packed_again(case, order), **_carried(case))


def _packed_again(case: Case[Shipment], order: Order | None) -> dict[str, Any]:
    """What waited for a weight was weighed before it became ready."""
    if order is None or case.row is None or case.row.status != ShipmentStatus.PREPARED:
        return {}
    packed = shipment_of(order)
    return {name: getattr(packed, name) for name in PACKED}


def _carried(case: Case[Shipment]) -> dict[str, Any]:
    return {name: case.proven.get(name) for name in CARRIED if case.proven.keeps(name)}
