"""The bypass of the guard, for what repairs and restores; and what the guard reports to the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from psycopg.pq import TransactionStatus

from polder.outbox.guard.sql import SETTING

log = logging.getLogger("polder.guard")
_OPEN = "SELECT current_setting(%s, true), set_config(%s, 'off', true)"
_CLOSE = "SELECT set_config(%s, %s, true)"


@contextmanager
def unguarded(because: str) -> Iterator[None]:
    """What this transaction writes inside is not looked at by the guard: for a repair, which makes
    a row what others believe already, and for test data. Says so in the log.

    Inside `transaction.atomic()`. Whoever uses it answers for telling others: what is written here
    without an event stays unknown to them until the next event, or an audit.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("unguarded() belongs inside transaction.atomic(): it ends with it")
    log.info("the guard lets pass: %s", because)
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [SETTING, SETTING])
        before = cursor.fetchone()[0]
    try:
        yield
    finally:
        if connection.connection.info.transaction_status == TransactionStatus.INTRANS:
            with connection.cursor() as cursor:
                cursor.execute(_CLOSE, [SETTING, before or ""])


def listen(*, connection: Any, **_: Any) -> None:
    """Receiver of Django's `connection_created`: what the guard reports of our own writes goes to
    our log, too."""
    if connection.vendor == "postgresql" and hasattr(connection.connection, "add_notice_handler"):
        connection.connection.add_notice_handler(_noticed)


def _noticed(diagnostic: Any) -> None:
    told = diagnostic.message_primary or ""
    if told.startswith("polder guard: "):
        log.warning("%s", told.removeprefix("polder guard: "), stack_info=True)
