"""What beat runs, in the housekeeping worker."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

from order_service.deadlines import orders_cancel_late, orders_flag_late
from polder.consumer.housekeeping import periodic
from polder.consumer.jobs import has_been_steady
from polder.inbox.waiting import halts

CHUNK = 500  # orders in one transaction


@periodic("deadlines")
def deadlines() -> dict[str, int]:
    """Flags orders that wait for too long, and cancels those past their deadline: how many of each.

    Nothing is cancelled until this has run for a while without a gap and without a step of the
    clock: after an outage of the whole service, or with a clock set forward by a day, every order
    would seem late, and most get their answer at once. Nor while the answers may be waiting here
    because the consumer is halted.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")  # of the clock by which the orders were placed
        now = cursor.fetchone()[0]
    flagged = cancelled = 0
    while (
        chunk := orders_flag_late(undecided_since=now - settings.ORDER_FLAG_AFTER, limit=CHUNK)
    ) > 0:
        flagged += chunk
    grace = min(settings.ORDER_FLAG_AFTER, settings.ORDER_CANCEL_AFTER)
    if has_been_steady("deadlines", grace) and not halts():
        while (
            chunk := orders_cancel_late(
                placed_before=now - settings.ORDER_CANCEL_AFTER,
                heard_before=now - grace,
                limit=CHUNK,
            )
        ) > 0:
            cancelled += chunk
    return {"flagged": flagged, "cancelled": cancelled}
