"""What a subscriber asks of an owner, and what comes back, as they go over the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from polder.contracts.types import Key, Timestamp, Version
from polder.direct.messages import Message, Name

MOST = 500  # rows in a page, keys in a request
AggregateName = Annotated[str, Field(max_length=100)]  # "product", as the owner's events have it


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class PageRequest(Message):
    """Your rows after the key, in key order; "" is before all of them."""

    kind: Literal["page-request"] = "page-request"
    asker: Name
    request: UUID
    aggregate: AggregateName
    after: Annotated[str, Field(max_length=64)]
    size: Annotated[int, Field(ge=1, le=MOST)]


class Proven(Part):
    """A key, with the version and the event of the owner's that made it so, where the asker's
    ledger proves that there was one."""

    key: Key
    version: Version | None = None
    event_id: UUID | None = None


class RowsRequest(Message):
    """Your rows of these keys."""

    kind: Literal["rows-request"] = "rows-request"
    asker: Name
    request: UUID
    aggregate: AggregateName
    keys: Annotated[list[Proven], Field(max_length=MOST)]


class Row(Part):
    key: Key
    version: Version
    time: Timestamp
    data: dict[str, Any]


class Page(Message):
    """What the owner had at the moment `read`. It is cut where it would become too large.

    Asked for a page: all rows after the key that was asked for and up to `through`, or to the end.
    Asked for rows: those, and of the others which are `unknown`, and which are `disputed`: the
    asker knows them better than the owner, whose past came back.
    """

    kind: Literal["page"] = "page"
    request: UUID
    read: UUID
    schema_version: Version
    rows: list[Row]
    through: Key | None = None
    total: int | None = None  # of all rows, as far as it is known
    unknown: list[Key] = []
    disputed: list[Key] = []
    refused: str = ""  # why there is no answer
