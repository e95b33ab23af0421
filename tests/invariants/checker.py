"""The checker: what must hold of a shop that has come to rest, read from its databases and from the
auditor, and from nothing of our code.

The numbers are those of docs/invariants.md. `check()` waits until the shop is quiet, then checks
everything, and says of every violation which invariant it is, where, and by which rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.blackbox.copies import SUBSCRIPTIONS
from tests.blackbox.shop import Shop, until
from tests.invariants import effects, events, messages, orders, replicas, rest, wire
from tests.invariants.look import Look
from tests.invariants.stock import conserved, journal
from tests.invariants.violation import Violation
from tests.invariants.watcher import Watcher


@dataclass
class Checker:
    """`parked` is how many messages each subscriber should have parked: exactly the poison that was
    injected."""

    shop: Shop
    auditor: wire.Witness | None = None
    watcher: Watcher | None = None
    parked: Counter[str] = field(default_factory=Counter)
    # of each replica's rows, when last looked at
    versions: replicas.Versions = field(default_factory=dict)
    broker: bool = True  # whether there is one to be asked
    clients: bool = True  # whether all orders come over HTTP
    mails: Path | None = None  # where the shop leaves them, if they can be read
    # orders that a test has put into the database itself
    by_hand: set[str] = field(default_factory=set)
    # subjects whose events a test has put on the wire in another order
    disordered: set[str] = field(default_factory=set)

    def check(self, seconds: float = 60.0) -> None:
        """Raises AssertionError listing every violation, if there are any once the shop is quiet or
        the time is up."""
        quiet = self.wait_until_quiet(seconds)
        violations = list(self.violations())
        if not quiet:
            violations.insert(0, Violation("I16", "shop", f"not quiet after {seconds:.0f} s"))
        assert not violations, "\n".join(f"{v.invariant} {v.where}: {v.detail}" for v in violations)

    def check_queues(self) -> None:
        """When no worker runs: raises AssertionError if there is anything that was never acked."""
        left = list(messages.queued(Look(self.shop)))
        assert not left, f"not acked: {left}"

    def expect_disorder(self) -> None:
        """What has happened so far may have come over the wire in any order: the test saw to
        that.
        """
        for owner in SUBSCRIPTIONS:
            self.disordered |= {
                subject
                for (subject,) in self.shop.rows(
                    owner, "SELECT DISTINCT subject FROM polder_outbox"
                )
            }

    def expect_damage(self, subscriber: str, aggregate: str, keys: Iterable[str]) -> None:
        """These rows of a replica may go away and fall back until they are healed: the test sees to
        that. To be called before it does."""
        if self.watcher is not None:
            self.watcher.damaged |= {(subscriber, aggregate, key) for key in keys}

    def wait_until_quiet(self, seconds: float) -> bool:
        """Everything published, received and decided; whether that came true in time."""
        return rest.wait_until_quiet(self.shop, seconds) is not None

    def unrest(self) -> str:
        """The first thing that does not hold now."""
        return next(
            (f"{v.invariant} {v.where}: {v.detail}" for v in self.violations()),
            "everything holds now",
        )

    def violations(self, look: Look | None = None) -> Iterator[Violation]:
        """Everything that does not hold now. `look` is told how much was compared."""
        look = look or Look.at(self.shop)
        yield from events.published(look)
        yield from events.received(look)
        yield from orders.decided(look)
        yield from self._wire(look)
        yield from events.dense(look)
        yield from journal(look)
        yield from replicas.equal(look, self.versions)
        yield from conserved(lambda sql: self.shop.rows("inventory", sql))
        yield from self._watched()
        yield from orders.agreed(look)
        yield from messages.parked(look, self.parked)
        yield from replicas.undrifted(look)
        yield from replicas.of_one_past(look)
        yield from effects.followed(look, self.mails)
        if self.clients:
            yield from orders.answered(look, self.by_hand)
        if self.broker:
            yield from messages.queued(look)

    def _wire(self, look: Look) -> Iterator[Violation]:
        if self.auditor is not None:
            yield from wire.witnessed(look, self.auditor, self.disordered)

    def _watched(self) -> Iterator[Violation]:
        """I9, I10 and I11 at every moment since the last check at which the watcher looked."""
        if self.watcher is not None:
            until(self.watcher.has_looked, "the watcher looks")
            yield from self.watcher.take()
