"""What beat runs, in the housekeeping worker."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from common.intake.housekeeping import EVERY_SERVICE
from order_service.services import orders_cancel_late, orders_flag_late

SCHEDULE = {**EVERY_SERVICE, "deadlines of orders": {"task": "deadlines", "schedule": 60.0, "options": {"expires": 60}}}
CHUNK = 500  # orders in one transaction


@shared_task(name="deadlines")
def deadlines() -> dict[str, int]:
    """Flags orders that wait for too long, and cancels those past their deadline: how many of each."""
    close_old_connections()
    now = timezone.now()
    flagged = cancelled = 0
    while (chunk := orders_flag_late(undecided_since=now - settings.ORDER_FLAG_AFTER, limit=CHUNK)) > 0:
        flagged += chunk
    while (chunk := orders_cancel_late(placed_before=now - settings.ORDER_CANCEL_AFTER, limit=CHUNK)) > 0:
        cancelled += chunk
    return {"flagged": flagged, "cancelled": cancelled}
