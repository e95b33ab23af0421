"""What the order service takes back of its orders after a restore: inventory and shipping keep
their lines and statuses, shipping the addresses."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from common.contracts.orders import Address, OrderStatus
from order_service.models import Order
from polder.pasts.adoption import Case, Proofs, adopts

UNKNOWN = "unknown since a restore"  # nobody else is told who a customer is
NOWHERE = Address(line1=UNKNOWN, postal_code="", city="", country="")
TO_BE_SENT = (OrderStatus.PENDING, OrderStatus.CONFIRMED)


@adopts(Order)
def adopt_orders(cases: Sequence[Case[Order]], proofs: Proofs) -> None:
    """One that is to be sent nobody knows where, to nobody knows whom, is cancelled; shipping says
    whether it has left already."""
    for case in cases:
        status = case.proven.status
        if status is None:
            case.undecidable("nobody keeps its status")
        elif case.row is None and not case.proven.keeps("products"):
            case.undecidable("nobody keeps its lines")
        else:
            if case.row is None:
                case.make(_order(case))
            if "address" in case.unknown and status in TO_BE_SENT:
                status = OrderStatus.CANCELLING
            case.come_to(status)


def _order(case: Case[Order]) -> Order:
    case.unknown.append("customer")
    address = NOWHERE
    if case.proven.keeps("shipping_address"):
        address = Address.model_validate(case.proven.get("shipping_address"))
    else:
        case.unknown.append("address")
    return Order(
        id=UUID(case.key),
        customer_name=UNKNOWN,
        lines=case.proven.get("products"),
        **dict(address),
    )
