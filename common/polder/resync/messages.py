"""What a subscriber asks of an owner, and what comes back, as they go over the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from polder.contracts.types import Key, Text, Timestamp, Version
from polder.direct.messages import Message, Name
from polder.replication.replica import MOST_COLUMNS

MOST = 500  # keys in a request
MOST_ROWS = 1_000  # in a page: of more, the processes that take part would grow
BUCKET = 500  # rows that one digest is of
MOST_DIGESTED = 200 * BUCKET  # rows that one answer is of
MOST_LISTED = 2_000  # rows
AggregateName = Annotated[str, Field(max_length=100)]  # "product", as the owner's events have it
Start = Annotated[Text, Field(max_length=64)]  # a key that is passed, or "" before all of them


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class PageRequest(Message):
    """Your rows after the key, in key order; "" is before all of them."""

    kind: Literal["page-request"] = "page-request"
    asker: Name
    request: UUID
    aggregate: AggregateName
    after: Start
    size: Annotated[int, Field(ge=1, le=MOST_ROWS)]
    since: Timestamp | None = None  # only those that you changed since


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


class Lacking(Part):
    """A row that its owner cannot say, and why: somebody has edited it so that the contract does
    not take it."""

    key: Key
    version: Version
    why: str


class Page(Message):
    """What the owner had at the moment `read`. It is cut where it would become too large.

    Asked for a page: all rows after the key that was asked for, which is `after`, and up to
    `through`, or to the end.
    Those of either that are `lacking` are not among the rows.
    Asked for rows: those, and of the others which are `unknown`, and which are `disputed`: the
    asker knows them better than the owner, whose past came back.
    """

    kind: Literal["page"] = "page"
    request: UUID
    read: UUID
    schema_version: Version
    rows: list[Row]
    after: str | None = None
    through: Key | None = None
    total: int | None = None  # of all rows, as far as it is known
    unknown: list[Key] = []
    disputed: list[Key] = []
    lacking: list[Lacking] = []
    refused: str = ""  # why there is no answer


class WrittenPage(Page):
    """A page as its owner says it: each row is JSON already, and stands behind the rest."""

    rows: list[Row] = Field(default=[], exclude=True)
    written: list[str] = Field(exclude=True)

    def encode(self) -> bytes:
        return f'{self.model_dump_json()[:-1]},"rows":[{",".join(self.written)}]}}'.encode()


class DeclaredField(Part):
    """A field that the asker keeps: its column, where in the public state it comes from, and how
    its values are written."""

    column: Annotated[str, Field(max_length=63)]
    path: Annotated[str, Field(max_length=500)]
    kind: Annotated[str, Field(max_length=20)]


class Content(Part):
    """What is compared besides keys and versions."""

    schema_version: Version
    fields: Annotated[list[DeclaredField], Field(max_length=MOST_COLUMNS)]


class DigestsRequest(Message):
    """What your rows after the key come to, in buckets of BUCKET rows."""

    kind: Literal["digests-request"] = "digests-request"
    asker: Name
    request: UUID
    aggregate: AggregateName
    after: Start
    size: Annotated[int, Field(ge=1, le=MOST_DIGESTED)]
    content: Content | None = None


class Bucket(Part):
    """Rows up to a key, or to the end."""

    through: Key | None
    rows: int
    digest: int


class Digests(Message):
    """Of the buckets that follow the key that was asked for, which is `after`."""

    kind: Literal["digests"] = "digests"
    request: UUID
    read: UUID
    after: str | None = None
    buckets: list[Bucket] = []
    total: int | None = None
    refused: str = ""


class KeysRequest(Message):
    """Which rows do you have after the key, up to the other one or to the end?"""

    kind: Literal["keys-request"] = "keys-request"
    asker: Name
    request: UUID
    aggregate: AggregateName
    after: Start
    through: Key | None = None
    content: Content | None = None
    # which of them you retired before then? The asker keeps no such tombstone
    retired_before: Timestamp | None = None


class Listed(Part):
    """A row; `hash` of its content, where that was asked for."""

    key: Key
    version: Version
    hash: str = ""


class Listing(Message):
    """All rows up to `through`, or to the end of the range. Of those that are `unsaid` the newest
    version is not published yet; `retired` are those that were asked for."""

    kind: Literal["listing"] = "listing"
    request: UUID
    read: UUID
    rows: list[Listed] = []
    through: Key | None = None
    unsaid: list[Key] = []
    retired: list[Key] = []
    refused: str = ""


Answer = Page | Digests | Listing
