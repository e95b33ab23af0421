"""Types of the values inside `data`: bounded, so that what passes here is accepted by every
database behind it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

LARGEST_COUNT = 2**31 - 1
LARGEST_VERSION = 2**63 - 1


def _without_nul(value: str) -> str:
    # PostgreSQL's text and jsonb refuse U+0000; better a clear reason here than a failed batch
    # there.
    if "\x00" in value:
        raise ValueError("contains the NUL character")
    return value


def _two_places(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01")) + 0  # and -0.00 becomes 0.00


def _in_utc(value: datetime) -> datetime:
    # PostgreSQL knows no offset beyond 16 hours, and Python no UTC year beyond 9999.
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of range in UTC") from error


Text = Annotated[str, StringConstraints(max_length=500), AfterValidator(_without_nul)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_without_nul)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(examples=["EUR"])]
Amount = Annotated[
    Decimal, Field(ge=0, max_digits=12, decimal_places=2), AfterValidator(_two_places)
]
Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
Quantity = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
Version = Annotated[int, Field(ge=1, le=LARGEST_VERSION)]
Timestamp = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Date = date  # also where a member of the state is named `date`
