"""Owner and replica side by side, row by row, as they are at this moment."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.blackbox.copies import Copy
from tests.blackbox.shop import Shop

Row = tuple[Any, ...]  # key, version, content


class Difference(NamedTuple):
    """A row that one of the two lacks, or has otherwise."""

    copy: Copy
    key: str
    owned: Row | None
    kept: Row | None


class Comparison(NamedTuple):
    """The rows of one replica and those of its owner, by key."""

    copy: Copy
    owned: dict[str, Row]
    kept: dict[str, Row]

    @property
    def rows(self) -> int:
        return len(self.owned.keys() | self.kept.keys())

    @property
    def differences(self) -> list[Difference]:
        keys = sorted(self.owned.keys() | self.kept.keys())
        pairs = ((key, self.owned.get(key), self.kept.get(key)) for key in keys)
        return [
            Difference(self.copy, key, owned, kept) for key, owned, kept in pairs if owned != kept
        ]


def compare(shop: Shop, copy: Copy) -> Comparison:
    """Both sides are read one after the other: what is on its way meanwhile shows as a
    difference.
    """
    owned = {row[0]: _comparable(row) for row in shop.rows(copy.owner, copy.owner_sql)}
    kept = {row[0]: _comparable(row) for row in shop.rows(copy.subscriber, copy.replica_sql)}
    return Comparison(copy, owned, kept)


def _comparable(row: Row) -> Row:
    return tuple(str(value) if not isinstance(value, list | dict) else value for value in row)
