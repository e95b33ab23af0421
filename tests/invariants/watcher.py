"""The watcher: what must hold at every moment, looked at again and again while the tests run.

It samples: what is broken and fixed between two looks goes unseen.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

import psycopg

from tests.blackbox.copies import COPIES, SUBSCRIPTIONS
from tests.blackbox.shop import Shop
from tests.invariants.stock import conserved
from tests.invariants.violation import Violation

REPLICAS = sorted({(copy.subscriber, copy.aggregate) for copy in COPIES})
PAUSE = 0.2  # seconds between two looks, at least
SHARE = 0.25  # of its time it looks, at most: a large shop takes longer to look at


@dataclass
class Watcher:
    """`watching()` around the tests; `take()` for what it saw since it was last asked."""

    shop: Shop
    looks: int = 0
    seen: list[Violation] = field(default_factory=list)
    # rows that a test has damaged: subscriber, aggregate, key
    damaged: set[tuple[str, str, str]] = field(default_factory=set)
    versions: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _stop: Event = field(default_factory=Event)
    _broke: BaseException | None = None

    @contextmanager
    def watching(self) -> Iterator[Watcher]:
        thread = Thread(target=self._run, name="watcher", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(timeout=30)

    def has_looked(self) -> bool:
        """Since it was last asked what it saw. Raises what ended the watcher, if something did."""
        if self._broke is not None:
            raise self._broke
        return self.looks > 0

    def take(self) -> list[Violation]:
        with self._lock:
            taken, self.seen, self.looks = self.seen, [], 0
        return taken

    def _run(self) -> None:
        try:
            took = 0.0
            while not self._stop.wait(max(PAUSE, took / SHARE - took)):
                began = time.monotonic()
                try:
                    self._look()
                # the database is away, or the connection was cut: tests do that
                except psycopg.OperationalError:
                    continue
                finally:
                    took = time.monotonic() - began
        except BaseException as error:
            self._broke = error
            raise

    def _look(self) -> None:
        violations = [
            violation for subscriber in SUBSCRIPTIONS for violation in self._fallen(subscriber)
        ]
        with self._snapshot("inventory") as snapshot:
            violations += conserved(lambda sql: snapshot.execute(sql).fetchall())  # type: ignore[call-overload]
        with self._lock:
            self.looks += 1
            self.seen += [violation for violation in violations if violation not in self.seen]

    def _fallen(self, subscriber: str) -> Iterator[Violation]:
        """I9 no row of a replica goes away, and no version of one falls."""
        with self._snapshot(subscriber) as snapshot:
            for about in REPLICAS:
                if about[0] == subscriber:
                    found = snapshot.execute(
                        f"SELECT key::text, version FROM replica_{about[1]}"
                    ).fetchall()  # type: ignore[call-overload]
                    now = dict(found)
                    for key, version in self.versions.get(about, {}).items():
                        if now.get(key, -1) < version and (*about, key) not in self.damaged:
                            yield Violation(
                                "I9",
                                subscriber,
                                f"{about[1]} {key} has fallen from v{version} to v{now.get(key)}",
                            )
                    self.versions[about] = now

    @contextmanager
    def _snapshot(self, service: str) -> Iterator[psycopg.Connection[Any]]:
        """Everything that is read in it is of one moment."""
        with psycopg.connect(self.shop.variables[f"{service.upper()}_DATABASE_URL"]) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield connection
