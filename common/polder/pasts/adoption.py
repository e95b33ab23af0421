"""What an owner takes back of an aggregate that it has forgotten: a service says for each of its
aggregates what its neighbours' copies make of it.

    @adopts(Shipment)
    def adopt_shipments(cases: Sequence[Case[Shipment]], proofs: Proofs) -> None:
        for case in cases:
            if case.row is None:
                case.make(Shipment(order_id=case.key, ...))
            case.come_to(case.proven.status, carrier=case.proven.get("carrier", ""))

What a function neither changes nor calls undecidable stays fenced. An aggregate without a function
is raised above the version that others know, and announced as it is here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar, cast
from uuid import UUID

from polder.contracts.event import Event
from polder.domain.aggregate import Aggregate, StatefulAggregate, aggregate_name, aggregates
from polder.domain.states import IllegalMove

A = TypeVar("A", bound=Aggregate)

# What is still on its way in some queue, and what nobody has told of yet, is below it.
MARGIN = 1_000_000


class Copy(NamedTuple):
    """What one subscriber keeps of an aggregate."""

    subscriber: str
    version: int
    is_retired: bool
    members: Mapping[str, Any]  # of the public state, by path: "status", "price.amount"
    begun_by: UUID | None = None  # the correlation of its first event


@dataclass(frozen=True)
class Proven:
    """What others prove of one aggregate: the newest version that anybody has heard of, by whom,
    and their copies, newest first."""

    key: str
    version: int
    known_by: str
    copies: tuple[Copy, ...] = ()

    def get(self, path: str, default: Any = None) -> Any:
        """Of the newest copy that keeps it."""
        return next((copy.members[path] for copy in self.copies if path in copy.members), default)

    def keeps(self, *paths: str) -> bool:
        """Whether somebody keeps each of these."""
        return all(any(path in copy.members for copy in self.copies) for path in paths)

    @property
    def status(self) -> str | None:
        """At the newest version."""
        found = (copy.members["status"] for copy in self._newest if "status" in copy.members)
        return next(found, None)

    @property
    def begun_by(self) -> UUID | None:
        """The correlation of its first event, as far as somebody has it."""
        return next((copy.begun_by for copy in self.copies if copy.begun_by is not None), None)

    @property
    def is_retired(self) -> bool:
        return bool(self.copies) and self.copies[0].is_retired

    @property
    def why_not(self) -> str:
        """Why the copies do not say what the newest version was; nothing when they do."""
        if not self.copies:
            return (
                f"{self.known_by} has heard of version {self.version}, and nobody keeps a copy; "
                "run this again if a replica is being filled there"
            )
        if self.copies[0].version < self.version:
            return (
                f"{self.known_by} has heard of version {self.version}, and the newest copy is at "
                f"{self.copies[0].version} yet: run this again when its events have arrived"
            )
        statuses = {
            str(copy.members["status"]): copy for copy in self._newest if "status" in copy.members
        }
        if len(statuses) > 1:
            told = " and ".join(f"{one.subscriber} has {name}" for name, one in statuses.items())
            return f"of version {self.version} {told}, and nobody can tell which is right"
        return ""

    @property
    def _newest(self) -> list[Copy]:
        return [copy for copy in self.copies if copy.version >= self.version]


class Proofs:
    """Of all that is fenced, by aggregate and key."""

    def __init__(self, found: Mapping[str, Mapping[str, Proven]]) -> None:
        self._found = found

    def of(self, model: type[Aggregate]) -> Mapping[str, Proven]:
        return self._found.get(aggregate_name(model), {})


@dataclass
class Case(Generic[A]):
    """One aggregate that others know better: what we have of it, locked, what they prove, and what
    is made of it."""

    aggregate: str
    key: str
    row: A | None
    proven: Proven
    events: list[Event] = field(default_factory=list)
    is_made: bool = False
    unknown: list[str] = field(default_factory=list)  # what nobody could tell
    problem: str = ""
    was: str = ""
    was_status: str | None = None
    moved: bool = False  # more than its version has changed

    def __post_init__(self) -> None:
        self.was = _told(self.row)
        self.was_status = getattr(self.row, "status", None)

    @property
    def base(self) -> int:
        """What it has when it is healed is above this version."""
        return max(self.proven.version, self.row.version if self.row else 0) + MARGIN

    @property
    def is_now(self) -> str:
        return _told(self.row)

    @property
    def became(self) -> str:
        """What was done to it, and what could not be known."""
        how = "adopted from the copies of others" if self.moved else "raised above what others know"
        unknown = f"; nobody knows its {', '.join(self.unknown)}" if self.unknown else ""
        return f"{how}: {self.was} -> {self.is_now}{unknown}"

    def undecidable(self, why: str) -> None:
        """Nothing is done to it: somebody has to decide."""
        self.problem, self.events = why, []

    def make(self, row: A) -> None:
        """It was forgotten: this is the row, to be announced or to come to a status yet."""
        self.row, self.is_made, self.moved = row, True, True

    def come_to(self, status: str, **values: object) -> None:
        """By the fewest legal moves, each told by its event. Without such moves it is
        undecidable."""
        row = cast("StatefulAggregate", self.row)
        before = None if self.is_made else row.status
        try:
            path = row.moves.path(before, status)
        except IllegalMove as error:
            self.undecidable(
                f"here it is {before}, and {self.proven.known_by} knows it as {status}: {error}"
            )
            return
        row.version = self.base
        changed = {name: value for name, value in values.items() if getattr(row, name) != value}
        for name, value in changed.items():
            setattr(row, name, value)
        if self.is_made:
            row.status = path.pop(0)
        if self.is_made or not path:
            row.change()
            self.events.append(row.status_event())
        for step in path:
            row.move_to(step)
            self.events.append(row.status_event())
        self.moved = self.moved or bool(path or changed)

    def announce(self, **values: object) -> None:
        """With these values, and above the version that others know. Of one without a state
        machine."""
        assert self.row is not None
        self.moved = self.moved or any(
            getattr(self.row, name) != value for name, value in values.items()
        )
        self.row.version = self.base
        self.row.change(**values)
        self.events.append(self.row.announcement())


Adopt = Callable[[Sequence[Case[Any]], Proofs], None]
Changes = Mapping[type[Aggregate], Callable[[Sequence[str]], Collection[str] | None]]
_functions: dict[str, Adopt] = {}
_changes: dict[str, Changes] = {}


def adopts(
    model: type[A], *, changes: Changes | None = None
) -> Callable[[Callable[[Sequence[Case[A]], Proofs], None]], Adopt]:
    """Registers the one function that says what the copies make of these aggregates.

    It is called in a transaction in which their rows are locked, with cases of which some copy is
    at the newest version. It changes them in memory only (`make`, `come_to`, `announce`), and may
    write rows of other tables. Aggregates are healed in the order in which their functions are
    declared; of each, the rows that exist before those that were forgotten.

    `changes` names the other aggregates whose rows it changes, too, each with a function that says
    which of their keys it changes for some of its own; None: nobody can tell. Those stay fenced
    until these are healed.
    """

    def register(function: Callable[[Sequence[Case[A]], Proofs], None]) -> Adopt:
        _functions[aggregate_name(model)] = function
        _changes[aggregate_name(model)] = changes or {}
        return function

    return register


def changed_by(aggregate: str, keys: Sequence[str]) -> Iterator[tuple[str, Collection[str] | None]]:
    """Of each other aggregate that is changed when these are adopted, the keys; None: all, since
    nobody can tell."""
    for other, changed in _changes.get(aggregate, {}).items():
        yield aggregate_name(other), changed(keys)


def adoption_of(aggregate: str) -> Adopt | None:
    return _functions.get(aggregate)


def in_order() -> list[str]:
    """The aggregates of this service, as they are to be healed."""
    return [*_functions, *(name for name in aggregates() if name not in _functions)]


def only_raise(cases: Sequence[Case[Any]]) -> None:
    """What is done to aggregates without a function."""
    for case in cases:
        if case.row is None:
            case.undecidable("this service does not say how to take one back")
        elif isinstance(case.row, StatefulAggregate):
            case.come_to(case.row.status)
        else:
            case.announce()


def _told(row: Aggregate | None) -> str:
    if row is None:
        return "forgotten"
    return " ".join(
        [*([row.status] if isinstance(row, StatefulAggregate) else []), f"v{row.version}"]
    )
