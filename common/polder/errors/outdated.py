"""Whether PostgreSQL refuses a plan that it has kept (`polder.database.prepared`)."""

from __future__ import annotations

from typing import Any

from psycopg.errors import FeatureNotSupported

_REFUSES = "RevalidateCachedQuery"  # the function in PostgreSQL; the message is in its language


def is_outdated(error: Any) -> bool:
    """Whether a plan is of before a migration. What rolls its transaction back has no plans any
    more: tried again, it succeeds."""
    return isinstance(error, FeatureNotSupported) and error.diag.source_function == _REFUSES
