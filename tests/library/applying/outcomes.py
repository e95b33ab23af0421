"""What became of the deliveries, and what makes them fail."""

from __future__ import annotations

from django.db import connection

from polder.inbox.models import DeliveryCount, LedgerEntry


def outcomes() -> dict[str, str]:
    return {f"{row.subject} v{row.version}": row.outcome for row in LedgerEntry.objects.all()}


def tallied() -> dict[tuple[str, str], int]:
    totals: dict[tuple[str, str], int] = {}
    for row in DeliveryCount.objects.all():
        totals[row.publisher, row.outcome] = totals.get((row.publisher, row.outcome), 0) + row.count
    return totals


def sql_error(code: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'it is so' USING ERRCODE = '{code}'; END $$")
