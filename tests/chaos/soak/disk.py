"""What lies on the disk: PostgreSQL's tables and indexes by relation, its log of changes,
RabbitMQ's data, the logs."""

from __future__ import annotations

import os
from pathlib import Path

from deploy.local.stack import Stack
from tests.blackbox.shop import OWNERS

_RELATIONS = """
SELECT coalesce(parent.relname, c.relname), sum(pg_table_size(c.oid))::bigint,
    sum(pg_indexes_size(c.oid))::bigint
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class parent
    ON parent.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1
"""


def sizes(stack: Stack) -> dict[str, int]:
    """Bytes by what they are for. The weeks of outbox and ledger are added up."""
    found: dict[str, int] = {}
    for owner in OWNERS:
        with stack.postgres.connect(f"polder_{owner}") as server:
            for name, table, indexes in server.execute(_RELATIONS).fetchall():
                found[f"{owner}: {name}"] = table
                found[f"{owner}: {name}, indexes"] = indexes
    with stack.postgres.connect() as server:
        found["PostgreSQL's WAL"] = int(
            server.execute("SELECT sum(size)::bigint FROM pg_ls_waldir()").fetchall()[0][0]
        )
    found["RabbitMQ"] = _size(stack.run.rabbitmq)
    for log in stack.run.logs.glob("*.log"):
        found[f"log of {log.stem}"] = log.stat().st_size
    return found


def _size(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                # allocated: segments are made larger than they are full
                total += (Path(root) / name).stat().st_blocks * 512
            except OSError:
                continue
    return total
