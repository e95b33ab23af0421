"""Which effects there are. Knows no model: whoever publishes looks here first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

from polder.contracts.event import Event

CarryOut = Callable[[str, Mapping[str, Any]], None]
LONGEST = 60.0  # seconds that one attempt may take


class GiveUp(Exception):
    """Raised by an effect for what will never succeed: it is not tried again by itself."""


@dataclass(frozen=True)
class Effect:
    """What is done about an event. Not to be called: the housekeeper carries it out."""

    name: str
    on: type[Event]
    key: Callable[[Any], str]
    body: Callable[[Any], Mapping[str, Any]]
    carry_out: CarryOut
    limit: float
    give_up_after: timedelta

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(
            f"{self.name} is an effect: it follows from {self.on.__name__} by itself, and nobody "
            "calls it, least of all a reconciler"
        )


effects: dict[str, Effect] = {}


def effect(
    *,
    on: type[Event],
    key: Callable[[Any], str],
    body: Callable[[Any], Mapping[str, Any]] | None = None,
    limit: float = 30.0,
    give_up_after: timedelta = timedelta(days=3),
) -> Callable[[CarryOut], Effect]:
    """Registers a function as what follows from each event of that class (or, of an aggregate's
    base class, from all of its events), whether this service publishes it or hears of it.

    `key` names what is to happen once: two events of one key are one effect, whose body is the
    first one's. `body` is stored as JSON; the event's `data`, when it is left out. Both are called
    in the event's transaction and only reckon. The function gets the body and a
    key that names the service and the effect, too, as `order.mail_that_it_shipped:<key>`: whoever
    receives what two effects send tells them apart by it. It runs outside of any transaction, and
    may run again: after an error, with back-off until `give_up_after` has passed;
    and after its process was lost, whether or not it had been done. An attempt that takes longer
    than `limit` seconds has failed. Raises ValueError for a name that is taken or a limit too high.
    """
    if not 0 < limit <= LONGEST:
        raise ValueError(f"the limit of an attempt is up to {LONGEST:.0f} seconds")

    def register(function: CarryOut) -> Effect:
        name = function.__name__
        if name in effects:
            raise ValueError(f"there are two effects named {name}")
        effects[name] = Effect(name, on, key, body or _data, function, limit, give_up_after)
        return effects[name]

    return register


def following(events: Iterable[Event]) -> Iterator[tuple[Effect, Event]]:
    """What is to be done about these events."""
    for event in events:
        for one in effects.values():
            if isinstance(event, one.on):
                yield one, event


def _data(event: Event) -> Mapping[str, Any]:
    return event.data.model_dump(mode="json", by_alias=True)
