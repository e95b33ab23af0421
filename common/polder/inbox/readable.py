"""What was parked because the code did not know its type or version, and what the code can read
now: redriven by itself, once the code that knows it has started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from polder.contracts.decode import Unreadable, decode
from polder.database.partitioning import database_now
from polder.inbox.models import ParkedEvent, ParkedState
from polder.inbox.redrive_many import redrive_rows

REASONS = ("newer-version", "unknown-type")
# A worker with the old code may go on beside this process, and what it parks be committed late.
LOOK_BACK = timedelta(minutes=15)


class Readable:
    """Of one process, whose code stays the same: what it could not read once it looks at no
    more."""

    def __init__(self) -> None:
        self._looked_at: datetime | None = None

    def redrive(self) -> Counter[str]:
        """Applies what can be read; how many ended how. May run twice, at once.

        Raises ConsumerHalted and TransientFailure; what was not done is done at the next call.
        """
        now = database_now()
        done: Counter[str] = Counter()
        for counted in redrive_rows(list(self._found())):
            done += counted
        self._looked_at = now
        return done

    def _found(self) -> Iterator[int]:
        parked = ParkedEvent.objects.filter(state=ParkedState.PARKED, reason__in=REASONS)
        if self._looked_at:
            parked = parked.filter(last_seen_at__gte=self._looked_at - LOOK_BACK)
        rows = parked.order_by("pk").values_list("pk", "body")
        for key, body in rows.iterator(chunk_size=100):
            if _is_readable(bytes(body)):
                yield key


def _is_readable(body: bytes) -> bool:
    try:
        decode(body)
    except Unreadable:
        return False
    return True
