"""Events that fail alike, and those that fail alone."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from polder.contracts.event import Event
from polder.inbox.batch import apply_batch
from polder.inbox.batch_errors import HeldBack
from polder.inbox.judging import HOLD_SECONDS
from polder.inbox.models import LedgerEntry, ParkedEvent
from polder.inbox.report import Manner
from polder.testing import delivery_of
from tests.makers import product_event

LIVE = Manner(hold_back=True)


def products(number: int, prefix: str = "p") -> list[Event]:
    return [product_event(product_id=f"{prefix}{one}") for one in range(number)]


def a_bug(keys: Sequence[str]) -> None:
    raise KeyError(keys[0])  # names the key


def bad(keys: Sequence[str]) -> None:
    if any(key.startswith("bad") for key in keys):
        raise KeyError(keys[0])


def live(*messages: Event | bytes) -> HeldBack | None:
    """As the worker applies them; what is held back."""
    try:
        apply_batch([delivery_of(message) for message in messages], manner=LIVE)
    except HeldBack as held:
        return held
    return None


def make_older(seconds: float) -> None:
    """What waits has waited for so much longer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE polder_inbox_waitingevent SET since = since - %s * interval '1 second'",
            [seconds],
        )


def nothing_is_parked() -> bool:
    return (
        not ParkedEvent.objects.exists()
        and not LedgerEntry.objects.filter(outcome="parked").exists()
    )


def try_until_decided(event: Event) -> None:
    """So slowly that it does not wait for the next one."""
    while live(event) is not None:
        make_older(HOLD_SECONDS)
