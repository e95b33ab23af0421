"""What to do with a batch next. Knows nothing of Celery, of the broker and of the database: only of how batches end.

`RULES` is the whole policy: how a batch may end, what becomes of its messages, and the mode that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from polder.consumer.batch import Batch, Kind, Received
from polder.consumer.queues import Fresh, Held

PROBED, SAMPLED = 5, 10  # messages: of those that fail; of fresh ones


class Mode(StrEnum):
    """GOING: as many batches as the pool has children. Else one at a time, and the others wait whole."""

    STARTING = "starting"
    GOING = "going"
    AWAY = "away"
    HALTED = "halted"


class End(StrEnum):
    """How a batch may end."""

    APPLIED = "applied"  # committed
    HELD_BACK = "held back"  # committed but for some messages
    SUSPECTS = "suspects"  # not tried: a process was lost with some of them before
    AGAIN = "again"  # the moment's fault
    TOO_SLOW = "too slow"  # too much for the database's time limit
    LOST = "lost"  # with its process
    AWAY = "away"  # the database is away
    HALTED = "halted"  # nothing is wrong with the events, and trying others will not help


@dataclass(frozen=True)
class Ended:
    """How a batch ended; the positions are those of messages in it."""

    end: End
    text: str = ""
    locked: Sequence[int] = ()
    undecided: Sequence[int] = ()
    suspects: Sequence[int] | None = None  # None: all


@dataclass(frozen=True)
class Rule:
    """`mode` follows if it was the probe, or if there was no need of one; None: the mode stays."""

    then: Callable[[Dispatch, Batch, Ended, float], None]
    mode: Mode | None


class Dispatch:
    """`next` gives the batch to hand over now, `ended` takes back what became of it and returns the messages that are done."""

    def __init__(self) -> None:
        self.mode = Mode.STARTING
        self.fresh = Fresh()
        self.locked = Held(Kind.LOCKED, first=0.2, longest=5.0)
        self.undecided = Held(Kind.UNDECIDED, first=0.1, longest=2.0)
        self.returned: list[Batch] = []  # whole ones, halves, and single ones
        self.probe: Batch | None = None
        self.under_way: list[Batch] = []
        self._fresh_had_its_turn = True
        self._sampling = False  # whether it may be only the probe that fails
        self._sample_next = False

    @property
    def waiting(self) -> int:
        """Messages that are neither fresh nor under way."""
        probing = len(self.probe.messages) if self.probe else 0
        return len(self.locked) + len(self.undecided) + sum(len(batch.messages) for batch in self.returned) + probing

    def receive(self, message: Received, now: float, *, quarantined: bool = False) -> None:
        if quarantined:
            self.returned.append(Batch([message], Kind.QUARANTINED))
        else:
            self.fresh.add(message, now)

    def next(self, now: float) -> Batch | None:
        """The batch to hand over now, if there is one; it counts as under way. The caller has a free child for it."""
        batch = self._going(now) if self.mode is Mode.GOING else self._probing(now)
        if batch is not None:
            batch.handed_over = now
            batch.hurried = len(self.locked) > 0 or any(other.kind is Kind.LOCKED for other in self.under_way)
            self.under_way.append(batch)
        return batch

    def due(self) -> float | None:
        """When `next` may have something; None: not before something arrives or ends."""
        if self.mode is Mode.GOING:
            times = [self.fresh.due(), *self._retries_due()]
        elif self.under_way:
            times = []
        elif self.probe is not None:
            times = [self.probe.due]
        else:
            times = [self.fresh.due(), *(batch.due for batch in self.returned)]
        known = [time for time in times if time is not None]
        return min(known) if known else None

    def ended(self, batch: Batch, how: Ended, now: float) -> list[Received]:
        """Raises ValueError for a batch that is not under way."""
        self.under_way.remove(batch)
        rule = RULES[how.end]
        decides = self.mode is Mode.GOING or batch.kind is Kind.PROBE
        rule.then(self, batch, how, now)
        if decides and rule.mode is not None:
            self.mode = rule.mode
            if self.mode is Mode.GOING and self.probe is not None:
                self.returned.append(self.probe)
                self.probe = None
        if how.end in (End.APPLIED, End.HELD_BACK):
            waits_on = {*how.locked, *how.undecided}
            return [message for position, message in enumerate(batch.messages) if position not in waits_on]
        return []

    # Which batch is next.

    def _going(self, now: float) -> Batch | None:
        """Fresh ones and those tried again take turns; of the latter, no more than one is under way."""
        fresh_due = self.fresh.due()
        fresh_is_due = fresh_due is not None and fresh_due <= now
        its_turn = fresh_is_due and not self._fresh_had_its_turn
        none_under_way = all(batch.kind is Kind.FRESH for batch in self.under_way)
        if not its_turn and none_under_way and (batch := self._retry(now)) is not None:
            self._fresh_had_its_turn = False
            return batch
        self._fresh_had_its_turn = True
        return Batch(self.fresh.take()) if fresh_is_due else None

    def _retry(self, now: float) -> Batch | None:
        for batch in self.returned:
            if batch.due <= now:
                self.returned.remove(batch)
                return batch
        for held in (self.undecided, self.locked):
            due = held.due()
            if due is not None and due <= now:
                return held.take()
        return None

    def _retries_due(self) -> list[float | None]:
        if any(batch.kind is not Kind.FRESH for batch in self.under_way):
            return []
        return [self.undecided.due(), self.locked.due(), *(batch.due for batch in self.returned)]

    def _probing(self, now: float) -> Batch | None:
        if self.under_way:
            return None
        if self.probe is None:
            return self._first_probe(now)
        if self.probe.due > now:
            return None
        if self.mode is Mode.HALTED and self._sampling and self._sample_next and len(self.fresh):
            self._sample_next = False
            return Batch(self.fresh.take(SAMPLED), Kind.SAMPLE)
        probe, self.probe, self._sample_next = self.probe, None, True
        return probe

    def _first_probe(self, now: float) -> Batch | None:
        due = self.fresh.due()
        if due is not None and due <= now:
            return Batch(self.fresh.take(), Kind.PROBE)
        batch = self._retry(now)
        if batch is not None and not batch.quarantined:
            batch.kind = Kind.PROBE
        return batch

    # What becomes of a batch.

    def _done(self, batch: Batch, how: Ended, now: float) -> None:
        if batch.kind is Kind.SAMPLE and self.probe is not None:
            self.probe.due = now  # its like may have proved to be fine
        for held in (self.locked, self.undecided):
            if batch.kind is held.kind:
                held.moved()

    def _hold_back(self, batch: Batch, how: Ended, now: float) -> None:
        moved = len(how.locked) + len(how.undecided) < len(batch.messages)
        for held, positions in ((self.locked, how.locked), (self.undecided, how.undecided)):
            messages = [batch.messages[position] for position in positions]
            if messages and batch.kind is held.kind:
                held.put_back(messages, now, moved=moved, took=now - batch.handed_over)
            elif messages:
                held.add(messages, now)

    def _alone(self, batch: Batch, how: Ended, now: float) -> None:
        suspects, others = self._divided(batch, how.suspects)
        self.returned += [Batch([message], Kind.QUARANTINED, due=now, survived=True) for message in suspects]
        if others:
            self.returned.append(Batch(others, Kind.AGAIN, due=now, survived=True))

    def _again(self, batch: Batch, how: Ended, now: float) -> None:
        self.returned.append(batch.again(now))

    def _in_halves(self, batch: Batch, how: Ended, now: float) -> None:
        self.returned += batch.halved(now)

    def _slower(self, batch: Batch, how: Ended, now: float) -> None:
        self.returned += batch.halved(now) if len(batch.messages) > 1 else [batch.again(now)]

    def _probe_with_all(self, batch: Batch, how: Ended, now: float) -> None:
        if self.probe is None and (self.mode is Mode.GOING or batch.kind is Kind.PROBE):
            self.probe = batch.again(now, Kind.PROBE)
        else:
            self.returned.append(batch.again(now))

    def _probe_with_those_that_fail(self, batch: Batch, how: Ended, now: float) -> None:
        if self.probe is not None or not (self.mode is Mode.GOING or batch.kind is Kind.PROBE):
            self.returned.append(batch.again(now))  # a sample, or one that was under way when another halted all
            return
        self._sampling = how.suspects is not None
        if how.suspects is None:
            self.probe = batch.again(now, Kind.PROBE)
            return
        failing, others = self._divided(batch, how.suspects)
        self.probe = Batch(failing[:PROBED], Kind.PROBE, batch.failures, survived=True).again(now, Kind.PROBE)
        if rest := [*failing[PROBED:], *others]:
            self.returned.append(Batch(rest, Kind.AGAIN, due=now, survived=True))

    @staticmethod
    def _divided(batch: Batch, positions: Sequence[int] | None) -> tuple[list[Received], list[Received]]:
        chosen = set(range(len(batch.messages)) if positions is None else positions)
        of_those = [message for position, message in enumerate(batch.messages) if position in chosen]
        return of_those, [message for position, message in enumerate(batch.messages) if position not in chosen]


RULES: dict[End, Rule] = {
    End.APPLIED: Rule(Dispatch._done, Mode.GOING),
    End.HELD_BACK: Rule(Dispatch._hold_back, Mode.GOING),
    End.SUSPECTS: Rule(Dispatch._alone, Mode.GOING),
    End.AGAIN: Rule(Dispatch._again, Mode.GOING),
    End.TOO_SLOW: Rule(Dispatch._slower, Mode.GOING),
    End.LOST: Rule(Dispatch._in_halves, Mode.GOING),
    End.AWAY: Rule(Dispatch._probe_with_all, Mode.AWAY),
    End.HALTED: Rule(Dispatch._probe_with_those_that_fail, Mode.HALTED),
}
