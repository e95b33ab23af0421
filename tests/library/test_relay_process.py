"""The relay as a process of its own: what it takes of the machine, and that it ends when it is told
to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection
from uuid_utils.compat import uuid7

from polder.outbox.models import OutboxEvent
from polder.testing import eventually
from tests.library.broker import declare_all, management

ROOT = Path(__file__).resolve().parents[2]
MOST_MEMORY = 250  # MB; a container has 384


@contextmanager
def relay() -> Iterator[subprocess.Popen[str]]:
    """`manage.py order relay` on this test's database."""
    url = (
        urlsplit(os.environ["ORDER_DATABASE_URL"])
        ._replace(path=f"/{connection.settings_dict['NAME']}")
        .geturl()
    )
    command = [sys.executable, "manage.py", "order", "relay"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"ORDER_DATABASE_URL": url},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def highest_memory(pid: int) -> float:
    """In MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def test_large_events_do_not_fill_its_memory(committed: None) -> None:
    # Given three windows, each of them more than a container has
    declare_all()
    with connection.cursor() as cursor:
        for _ in range(15):
            cursor.execute(
                """INSERT INTO polder_outbox (id, type, aggregate_type, subject, version,
                    correlation_id, body)
                SELECT id, 't', 'a', 's', 1, id, repeat('x', 255000)
                    FROM unnest(%s::uuid[]) AS id""",
                [[uuid7() for _ in range(100)]],
            )

    # When
    with relay() as process:
        eventually(
            lambda: not OutboxEvent.objects.filter(published_at=None).exists(),
            seconds=300,
            pause=0.2,
        )
        memory = highest_memory(process.pid)
        process.send_signal(signal.SIGTERM)

        # Then
        assert process.wait(60) == 0
    assert memory < MOST_MEMORY
    for service in ("inventory", "shipping"):
        management().call(
            "DELETE", "queues", management().vhost, f"{service}.from.order", "contents"
        )


def test_told_to_stop_at_any_moment(committed: None) -> None:
    """As early as it can be told, and while it polls."""
    declare_all()
    for turn in range(6):
        with relay() as process:
            eventually(lambda: _leads(), seconds=120)
            if turn % 2:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(%s)", [turn / 100])
            process.send_signal(signal.SIGTERM if turn % 3 else signal.SIGINT)
            assert process.wait(60) == 0


def _leads() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'order-relay' AND "
            "datname = current_database()"
        )
        return int(cursor.fetchone()[0]) > 0
