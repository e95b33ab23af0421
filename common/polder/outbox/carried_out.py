"""Requests that were carried out in a past that this service has no more: what they made has been
taken back from others, and their answers have not.

The correlation of a request that has an idempotency key, and names no correlation of its own, is
made from the key. So the first event of what it made leads back to it. `polder.api.retention` lets
them go, as the answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid5

from polder import this_service
from polder.outbox.models import CarriedOut

_REQUESTS = UUID("5b0d7c9e-4f53-4f0e-9a53-0f6f3b7a3c11")
# an expression of SQL with one parameter, what `correlation_of_request` says
WAS = "EXISTS (SELECT FROM polder_outbox_carriedout WHERE correlation_id = %s)"
DERIVED = 5  # the version of a UUID that is made from a name


class CarriedOutBefore(RuntimeError):
    """The request was carried out before the service was set back by a backup; `made` says what it
    made."""

    def __init__(self, made: CarriedOut) -> None:
        super().__init__(
            f"this request made {made.aggregate} {made.key} before this service was restored from "
            "a backup; its answer is not known any more"
        )
        self.made = made


def correlation_of_request(caller: str, key: str) -> UUID:
    """The same for each repetition."""
    return uuid5(_REQUESTS, f"{this_service.name()}\0{caller}\0{key}")


def note(made: Mapping[UUID | None, tuple[str, str]]) -> None:
    """By correlation: what others say that it began. May run twice."""
    CarriedOut.objects.bulk_create(
        [
            CarriedOut(correlation_id=one, aggregate=aggregate, key=key)
            for one, (aggregate, key) in made.items()
            if one is not None and one.version == DERIVED
        ],
        ignore_conflicts=True,
    )


def check(correlation_id: UUID) -> None:
    """Raises CarriedOutBefore."""
    if made := CarriedOut.objects.filter(pk=correlation_id).first():
        raise CarriedOutBefore(made)
