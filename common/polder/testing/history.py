"""What the periodic reconciliation finds, and how much it reads of what is over."""

from __future__ import annotations

import json
import random
import time
from typing import Any
from uuid import UUID

from django.db import connection, models

from polder.reconcile.rules import Rules

MONTH_MILLISECONDS = 30 * 24 * 3600 * 1000


def old_ids(number: int) -> list[str]:
    """Of what was made a month ago."""
    began = int(time.time() * 1000) - MONTH_MILLISECONDS
    return [
        str(UUID(int=began + number << 80 | 7 << 76 | 2 << 62 | random.getrandbits(62)))
        for number in range(number)
    ]


def overdue_keys(rules: Rules) -> set[Any]:
    """What is overdue by the rules."""
    return {key for query in rules.overdue() for key in query.values_list("pk", flat=True)}


def rows_read(queryset: models.QuerySet[models.Model]) -> int:
    """All rows that the plan's nodes took from tables and indexes, those that a filter removed
    included."""
    sql, params = queryset.order_by("pk").values_list("pk", flat=True)[:500].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return _read(plan)


def _read(node: dict[str, object]) -> int:
    here = 0
    if "Relation Name" in node:
        loops = int(str(node["Actual Loops"]))
        here = (
            int(float(str(node["Actual Rows"]))) + int(str(node.get("Rows Removed by Filter", 0)))
        ) * loops
    children = node.get("Plans", [])
    assert isinstance(children, list)
    return here + sum(_read(child) for child in children)
