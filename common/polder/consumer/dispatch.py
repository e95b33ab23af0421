"""What to do with a batch next. Knows nothing of Celery, of the broker and of the database: only of
how batches end. The whole policy is the table in `transitions`; this carries it out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from polder.consumer.batch import BATCH_EVENTS, FIRST_RETRY, Batch, Kind, Received
from polder.consumer.pace import Pace
from polder.consumer.queues import Fresh, Held
from polder.consumer.transitions import MODES, Division, End, Mode, Move, Part, Pause, moves

PROBED, SAMPLED = 5, 10  # messages: of those that fail; of fresh ones, to begin with
# seconds that batches go one after the other after two of ours had to wait for each other's locks;
# that the next one then waits for the one under way
ALONE, LONGEST_WAIT = 30.0, 2.0


@dataclass(frozen=True)
class Ended:
    """How a batch ended; the positions are those of messages in it."""

    end: End
    text: str = ""
    locked: Sequence[int] = ()
    undecided: Sequence[int] = ()
    suspects: Sequence[int] | None = None  # None: all


class Dispatch:
    """`next` gives the batch to hand over now, `ended` takes back what became of it and returns the
    messages that are done."""

    def __init__(self, lag_budget: float) -> None:
        self.mode = Mode.STARTING
        self.pace = Pace(lag_budget)
        self.fresh = Fresh(self.pace)
        self.locked = Held(Kind.LOCKED, first=0.2, longest=5.0)
        self.undecided = Held(Kind.UNDECIDED, first=0.1, longest=2.0)
        self.returned: list[Batch] = []  # whole ones, halves, and single ones
        self.probe: Batch | None = None
        self.under_way: list[Batch] = []
        self._fresh_had_its_turn = True
        self._sampling = False  # whether it may be only the probe that fails
        self._sample_next = False
        self._sample_size = SAMPLED  # grows, so that what is fine is found behind much that is not
        self._alone_until = 0.0

    @property
    def waiting(self) -> int:
        """Messages that are neither fresh nor under way."""
        probing = len(self.probe.messages) if self.probe else 0
        return (
            len(self.locked)
            + len(self.undecided)
            + sum(len(batch.messages) for batch in self.returned)
            + probing
        )

    def receive(self, message: Received, now: float, *, quarantined: bool = False) -> None:
        if quarantined:
            self.returned.append(Batch([message], Kind.QUARANTINED))
        else:
            self.fresh.add(message, now)

    def next(self, now: float) -> Batch | None:
        """The batch to hand over now, if there is one; it counts as under way. The caller has a
        free child for it."""
        batch = self._going(now) if self.mode is Mode.GOING else self._probing(now)
        if batch is not None:
            batch.handed_over = now
            if batch.kind is Kind.FRESH:
                self.pace.began(now)
            if self.under_way:
                for one in (batch, *self.under_way):
                    one.accompanied = True
            batch.hurried = len(self.locked) > 0 or any(
                other.kind is Kind.LOCKED for other in self.under_way
            )
            self.under_way.append(batch)
        return batch

    def due(self) -> float | None:
        """When `next` may have something; None: not before something arrives or ends."""
        if self.mode is Mode.GOING:
            alone = self._alone()
            times = [
                None if time is None else max(time, alone)
                for time in (self.fresh.due(), *self._retries_due())
            ]
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
        deciding = self.mode is Mode.GOING or batch.kind is Kind.PROBE
        done: list[Received] = []
        for move, messages in _divided(batch, how, moves(how.end, batch, deciding=deciding)):
            if move.to is None:
                done = messages
            else:
                self._wait(move, messages, batch, how, now)
        if batch.kind is Kind.FRESH:
            self.pace.ended(now - batch.handed_over, applied=how.end is End.APPLIED)
        if how.locked and batch.accompanied:
            self._alone_until = now + ALONE
        if how.end is End.APPLIED:
            self._note_progress(batch, now)
        if deciding:
            self._change_mode(how)
        return done

    # Which batch is next.

    def _going(self, now: float) -> Batch | None:
        """Fresh ones and those tried again take turns; of the latter, no more than one is under
        way."""
        if now < self._alone():
            return None
        fresh_due = self.fresh.due()
        fresh_is_due = fresh_due is not None and fresh_due <= now
        its_turn = fresh_is_due and not self._fresh_had_its_turn
        none_under_way = all(batch.kind is Kind.FRESH for batch in self.under_way)
        if not its_turn and none_under_way and (batch := self._retry(now)) is not None:
            self._fresh_had_its_turn = False
            return batch
        self._fresh_had_its_turn = True
        return Batch(self.fresh.take()) if fresh_is_due else None

    def _alone(self) -> float:
        """When another batch may go beside those under way. Where two hold locks that the other
        wants, side by side is slower than one after the other."""
        began = max((batch.handed_over for batch in self.under_way), default=0.0)
        return began + LONGEST_WAIT if self.under_way and began < self._alone_until else 0.0

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
            sample = Batch(self.fresh.take(self._sample_size), Kind.SAMPLE)
            self._sample_size = min(2 * self._sample_size, BATCH_EVENTS)
            return sample
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

    def _wait(
        self, move: Move, messages: list[Received], batch: Batch, how: Ended, now: float
    ) -> None:
        """Puts them where `next` finds them when their pause is over."""
        for held in (self.locked, self.undecided):
            if move.to is held.kind:
                if batch.kind is held.kind:
                    moved = len(how.locked) + len(how.undecided) < len(batch.messages)
                    held.put_back(messages, now, moved=moved, took=now - batch.handed_over)
                else:
                    held.add(messages, now)
                return
        batches = _batches(move, messages, batch, how, now)
        if move.to is Kind.PROBE:
            [self.probe] = batches
        else:
            self.returned += batches

    def _note_progress(self, batch: Batch, now: float) -> None:
        if batch.kind is Kind.SAMPLE and self.probe is not None:
            self.probe.due = now  # its like may have proved to be fine
        for held in (self.locked, self.undecided):
            if batch.kind is held.kind:
                held.moved()

    def _change_mode(self, how: Ended) -> None:
        self.mode = MODES[how.end]
        self._sampling = self.mode is Mode.HALTED and how.suspects is not None
        if self.mode is not Mode.HALTED:
            self._sample_size = SAMPLED
        if self.mode is Mode.GOING and self.probe is not None:
            self.returned.append(self.probe)
            self.probe = None


def _divided(
    batch: Batch, how: Ended, row: Sequence[Move]
) -> Iterator[tuple[Move, list[Received]]]:
    """The messages of each move of the row, without the moves that have none."""
    everything = range(len(batch.messages))
    suspects = everything if how.suspects is None else how.suspects
    chosen: dict[Part, Collection[int]] = {
        Part.LOCKED: how.locked,
        Part.UNDECIDED: how.undecided,
        Part.SUSPECTS: suspects,
        Part.FAILING: suspects if how.suspects is None else sorted(suspects)[:PROBED],
    }
    taken: set[int] = set()
    for move in row:  # the rest is what no earlier move has taken
        positions = set(chosen.get(move.part, everything)) - taken
        taken |= positions
        if positions:
            yield move, [batch.messages[position] for position in sorted(positions)]


def _batches(
    move: Move, messages: list[Received], batch: Batch, how: Ended, now: float
) -> list[Batch]:
    """What these messages of a batch become."""
    assert move.to is not None
    failures, due = 0, now
    if move.pause is Pause.DOUBLING:
        failures, due = min(batch.failures + 1, 30), now + batch.pause
    elif move.pause is Pause.FIRST:
        due = now + FIRST_RETRY
    size = {
        Division.WHOLE: len(messages),
        Division.HALVES: (len(messages) + 1) // 2,
        Division.SINGLY: 1,
    }[move.division]
    survived = not (how.end is End.LOST and move.to is Kind.QUARANTINED)
    return [
        Batch(messages[begin : begin + size], move.to, failures, due, survived=survived)
        for begin in range(0, len(messages), size)
    ]
