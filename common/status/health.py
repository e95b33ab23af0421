"""Whether this process lives, and whether the service can do its work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from common.partitioning import covered
from common.web.problem_responses import only_safe

DAYS_NEEDED = 3


@only_safe
@never_cache
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


@only_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """503 and the reasons when the database is away, migrations are missing, or partitions end within three days."""
    try:
        problems = _problems()
    except Error as error:
        problems = [f"database: {str(error).strip()}"]
    return JsonResponse({"status": "not ready" if problems else "ready", "problems": problems}, status=503 if problems else 200)


def _problems() -> list[str]:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return [f"migrations: {len(missing)} not applied"]
    soon = datetime.now(UTC) + timedelta(days=DAYS_NEEDED)
    return [f"partitions of {table} end within {DAYS_NEEDED} days" for table in ("outbox", "ledger") if covered(table)[1] < soon]
