"""Orders that wait for too long: they are flagged, then cancelled."""

from __future__ import annotations

from datetime import datetime

from django.db.models.functions import Now

from order_service.models import Order
from order_service.selectors import orders_past_deadline, orders_to_flag
from order_service.services import orders_begin_cancelling
from polder.domain.use_case import use_case
from polder.outbox import fence


@use_case
def orders_flag_late(*, undecided_since: datetime, limit: int) -> int:
    """Flags orders that wait for another service's word since before that moment; how many. Those
    being worked on are left to the next time."""
    late = orders_to_flag(undecided_since).select_for_update(skip_locked=True).order_by("pk")
    return Order.objects.filter(pk__in=list(late.values_list("pk", flat=True)[:limit])).update(
        flagged_at=Now()
    )


@use_case
def orders_cancel_late(*, placed_before: datetime, heard_before: datetime, limit: int) -> int:
    """Begins to cancel orders that are undecided though they were placed before that moment; how
    many. May run twice, at once.

    An order is late only when inventory had its chance: `heard_before` that moment it decided about
    orders, after this one was placed.
    """
    late = fence.unfenced(orders_past_deadline(placed_before, heard_before))
    rows = late.select_for_update(skip_locked=True).order_by("pk")[:limit]
    late_orders = {order.pk: order for order in rows}
    orders_begin_cancelling(late_orders)
    return len(late_orders)
