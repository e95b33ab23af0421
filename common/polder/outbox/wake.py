"""How the relay waits at an empty outbox: asleep, until a writer wakes it.

A wake-up is a NOTIFY, and commits with one go one after the other in the whole server, each with
its write to the disk. So writers send it only while the relay says that it sleeps; from a few dozen
events a second on it looks often instead. It says so in a sequence and not in a row: a row would be
seen as it was when the writer's transaction began, and would gather versions.

A wake-up may be missed: a writer that looked before the relay fell asleep commits after the relay's
last look. Therefore it goes on looking for a while after it has said that it sleeps, and once a
second for ever.
"""

from __future__ import annotations

import time
from typing import Protocol

from polder.process.stopping import Stop

CHANNEL = "polder_outbox"
WAKE_SQL = f"""
CREATE SEQUENCE polder_outbox_asleep AS smallint MINVALUE 0 MAXVALUE 1 START 0;

CREATE FUNCTION polder_outbox_sleep(asleep boolean) RETURNS void LANGUAGE sql
    SECURITY DEFINER SET search_path = public, pg_temp
    AS 'SELECT setval(''polder_outbox_asleep'', asleep::int)';

CREATE FUNCTION polder_outbox_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('{CHANNEL}', '') FROM public.polder_outbox_asleep
        WHERE last_value OPERATOR(pg_catalog.=) 1;
    RETURN NULL;
END $$;
CREATE TRIGGER polder_outbox_wake AFTER INSERT ON polder_outbox
    FOR EACH STATEMENT EXECUTE FUNCTION polder_outbox_wake();
"""
SLEEP = "SELECT polder_outbox_sleep(%s)"

SHORTEST_NAP, LONGEST_NAP = 0.001, 0.010  # seconds between two looks while it does not sleep
LONGEST_SLEEP = 1.0  # seconds
SETTLING = 1.0  # seconds: transactions that began before it slept have mostly ended by then
MANY = 60  # events a second
COUNTED = 0.5  # seconds over which they are counted


class Sleeper(Protocol):
    """What the outbox's reader does for it."""

    def listen(self) -> None: ...

    def sleep(self, asleep: bool) -> None: ...

    def wait(self, stop: Stop, seconds: float) -> None: ...


class Rest:
    """Of one leader. `found` is told of each look, `wait` waits after one that found nothing."""

    def __init__(self, outbox: Sleeper) -> None:
        self._outbox = outbox
        outbox.listen()
        outbox.sleep(False)  # whatever the leader before has left
        self._asleep = False
        self._settled = 0.0  # monotonic
        self._nap = 0.0
        self._counted, self._since = 0, time.monotonic()

    def found(self, events: int) -> None:
        """Falls asleep or wakes up for good by how many there were lately."""
        if events:
            self._nap = 0.0
        self._counted += events
        now = time.monotonic()
        if now - self._since < COUNTED:
            return
        rate = self._counted / (now - self._since)
        self._counted, self._since = 0, now
        if (asleep := rate < (MANY if self._asleep else MANY / 2)) != self._asleep:
            self._outbox.sleep(asleep)
            self._asleep, self._settled = asleep, now + SETTLING

    def wait(self, stop: Stop) -> None:
        self._nap = min(LONGEST_NAP, self._nap * 2 or SHORTEST_NAP)
        settled = self._asleep and time.monotonic() >= self._settled
        self._outbox.wait(stop, LONGEST_SLEEP if settled else self._nap)
