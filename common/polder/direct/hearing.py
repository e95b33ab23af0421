"""What the housekeeper does with the messages of other services: each is given to whoever handles
its kind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from polder.broker.confirms import BROKER_ERRORS
from polder.direct.messages import Message
from polder.errors.faults import MOMENT, Fault, fault_of
from polder.inbox.batch_errors import TransientFailure
from polder.inbox.delivery import Delivery

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)
Handler = Callable[[Sequence[M]], None]


class _Kind(BaseModel):
    kind: str


class _Handled(NamedTuple):
    message: type[Message]
    handle: Callable[[Sequence[Any]], None]


_handlers: dict[str, _Handled] = {}


def hears(message: type[M]) -> Callable[[Handler[M]], Handler[M]]:
    """Registers the function that handles all messages of that kind that came together, in their
    order.

    They may have come before, late, and from anybody who may write to the queue. What it raises is
    logged, and the messages are passed over: whoever said something says it again. But while the
    database is away they are kept.
    """

    def register(function: Handler[M]) -> Handler[M]:
        _handlers[message.model_fields["kind"].default] = _Handled(message, function)
        return function

    return register


def hear(deliveries: Sequence[Delivery]) -> int:
    """Handles them; how many could be read. Raises TransientFailure when the database is away."""
    by_kind: dict[str, list[Message]] = {}
    for delivery in deliveries:
        try:
            kind = _Kind.model_validate_json(delivery.body).kind
            read = _handlers[kind].message.model_validate_json(delivery.body)
        except KeyError:
            log.warning("a message in %s is passed over: nobody knows its kind", delivery.queue)
        except ValidationError as error:
            log.warning(
                "a message in %s is passed over: it cannot be read, %d errors",
                *(delivery.queue, error.error_count()),
            )
        else:
            by_kind.setdefault(kind, []).append(read)
    for kind, messages in by_kind.items():
        _handle(kind, messages)
    return sum(map(len, by_kind.values()))


def _handle(kind: str, messages: Sequence[Message]) -> None:
    try:
        _handlers[kind].handle(messages)
    except BROKER_ERRORS as error:
        log.warning("a %s could not be answered; it will be asked again: %r", kind, error)
    except Exception as error:
        fault = fault_of(error)
        if fault in MOMENT:
            raise TransientFailure(str(error).strip(), fault) from error
        if fault is Fault.INTERRUPTED:
            raise
        log.exception("%d messages of the kind %s are passed over", len(messages), kind)
