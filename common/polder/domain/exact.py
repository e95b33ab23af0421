"""Rows as JSON, which PostgreSQL reads as what their fields would have written."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from psycopg import Binary
from psycopg.types.json import Jsonb


class ExactEncoder(DjangoJSONEncoder):
    """As PostgreSQL reads it, whole: Django's takes the microseconds off a time."""

    def default(self, o: Any) -> Any:
        if isinstance(o, datetime | time):
            return o.isoformat()
        if isinstance(o, timedelta):
            return f"{o.days} days {o.seconds} seconds {o.microseconds} microseconds"
        if isinstance(o, Binary):
            return f"\\x{bytes(o.obj).hex()}"
        if isinstance(o, IPv4Address | IPv6Address):
            return str(o)
        if isinstance(o, Jsonb):
            return json.loads(o.dumps(o.obj)) if o.dumps else o.obj
        return super().default(o)


def written(field: models.Field[Any, Any], row: models.Model) -> Any:
    """What the field writes into its column, which need not be what it is in Python: a field may
    encrypt."""
    return field.get_db_prep_save(field.pre_save(row, add=False), connection)
