"""What the order service takes back of its orders after a restore: inventory and shipping keep
their lines and statuses, shipping the addresses."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from common.contracts.orders import Address
from order_service.models import Order
from polder.pasts.adoption import Case, Proofs, adopts

UNKNOWN = "unknown since a restore"  # nobody else is told who a customer is


@adopts(Order)
def adopt_orders(cases: Sequence[Case[Order]], proofs: Proofs) -> None:
    for case in cases:
        status = case.proven.status
        if status is None:
            case.undecidable("nobody keeps its status")
            continue
        if case.row is None:
            if not case.proven.keeps("products", "shipping_address"):
                case.undecidable("nobody keeps its lines and its address")
                continue
            case.make(_order(case))
            case.unknown.append("customer")
        case.come_to(status)


def _order(case: Case[Order]) -> Order:
    address = Address.model_validate(case.proven.get("shipping_address"))
    return Order(
        id=UUID(case.key),
        customer_name=UNKNOWN,
        lines=case.proven.get("products"),
        **dict(address),
    )
