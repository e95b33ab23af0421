"""Replicas: local copies of what others decided. A service declares of which aggregate, and the
fields that it needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Any, ClassVar, Protocol
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models.signals import class_prepared
from django.dispatch import receiver
from pydantic import BaseModel

from polder import this_service
from polder.contracts.event import Event, State
from polder.replication.content import Kind, hash_of, kind_name, kind_named


class Replica(models.Model):
    """Base of replicas: `class Product(Replica, of="inventory.product", price="price.amount")`
    keeps a row of each product.

    `where={"status": ("confirmed", "shipped")}` keeps only those of which each named member of the
    public state has one of the values; a row that stops matching leaves, and is as if it had never
    been here.

    Each declared field is taken from the attribute of the same name in the aggregate's public
    state, or from the dotted path that is given for it. Only replication writes the rows. No
    foreign keys and no unique constraint besides the key.
    """

    replica_of: ClassVar[str] = ""  # "inventory.product"
    paths: ClassVar[Mapping[str, str]] = {}
    where: ClassVar[Mapping[str, Any]] = {}  # by member of the public state: its value, or several

    key: models.Field[Any, Any] = models.CharField(
        max_length=64, primary_key=True, db_collation="C"
    )
    version = models.BigIntegerField(help_text="The owner's version that this row shows.")
    content_hash = models.CharField(
        max_length=32, help_text="Of the fields kept here, as the event had them."
    )
    retired_at = models.DateTimeField(null=True, help_text="Tombstone: when the owner retired it.")
    synced_at = models.DateTimeField(help_text="When this version arrived.")
    event_id = models.UUIDField(
        null=True,
        help_text="The event that made this version; empty for a row older than this column.",
    )

    class Meta:
        abstract = True

    def __init_subclass__(
        cls, *, of: str = "", where: Mapping[str, Any] | None = None, **paths: str
    ) -> None:
        cls.replica_of, cls.paths, cls.where = of, paths, where or {}
        super().__init_subclass__()

    def __str__(self) -> str:
        return f"{self.key} v{self.version}"


class Said(Protocol):
    """What an owner says of one aggregate: an event, or a row of a snapshot."""

    @property
    def subject(self) -> str: ...
    @property
    def aggregateversion(self) -> int: ...
    @property
    def id(self) -> UUID: ...
    @property
    def time(self) -> datetime: ...
    @property
    def data(self) -> State: ...


MOST_COLUMNS = 90  # of which a digest is reckoned: a function of PostgreSQL takes 100 arguments
OWN_COLUMNS = ("key", "version", "content_hash", "retired_at", "synced_at", "event_id")


@dataclass(frozen=True)
class Replication:
    """How one aggregate becomes rows of one replica model: for each declared column, where in the
    public state it comes from."""

    model: type[Replica]
    aggregate: str  # "inventory.product"
    columns: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    where: tuple[tuple[str, frozenset[Any]], ...] = ()

    @property
    def publisher(self) -> str:
        return self.aggregate.partition(".")[0]

    @property
    def declared(self) -> dict[str, str]:
        """The columns, each with where in the public state it comes from."""
        return {column: self.model.paths.get(column, column) for column in self.columns}

    @property
    def declaration(self) -> dict[str, str]:
        """All that makes its rows what they are; another one is filled anew."""
        where = {path: sorted(map(str, values)) for path, values in self.where}
        types = {field.column: field.db_type(connection) for field in self._fields}
        return (
            self.declared
            | ({"(where)": json.dumps(where, sort_keys=True)} if where else {})
            | {"(table)": self.model._meta.db_table, "(types)": json.dumps(types, sort_keys=True)}
        )

    @property
    def _fields(self) -> list[models.Field[Any, Any]]:
        return [
            field for field in self.model._meta.concrete_fields if str(field.column) in self.columns
        ]

    @property
    def ordered_key(self) -> tuple[str, str]:
        """Its key in SQL, in the order in which its owner goes through its rows, that of the text;
        and of which type."""
        key = self.model._meta.pk
        if isinstance(key, models.UUIDField) or getattr(key, "db_collation", "") == "C":
            return "key", str(key.db_type(connection))
        return 'key::text COLLATE "C"', "text"

    def key_of(self, text: str) -> str | None:
        """The key as its rows have it; None for what no row of it can have."""
        try:
            return None if "\0" in text else str(self.model._meta.pk.clean(text, None))
        except ValidationError:
            return None

    def keeps(self, state: Any) -> bool:
        """Whether an aggregate of this public state belongs into the replica."""
        return all(attrgetter(path)(state) in values for path, values in self.where)

    @cached_property
    def kinds(self) -> dict[str, str]:
        """By column, in the order of their names: how its content is written; "" for a column
        whose content cannot be."""
        kinds = {str(field.column): kind_name(field) for field in self._fields}
        return dict(sorted(kinds.items()))

    @property
    def has_digests(self) -> bool:
        """Whether its owner can reckon the same of its rows: else they are compared one by one."""
        key = self.model._meta.pk
        return (
            not self.where
            and len(self.columns) <= MOST_COLUMNS
            and all(self.kinds.values())
            and isinstance(key, models.CharField | models.UUIDField)
        )

    @cached_property
    def written(self) -> dict[str, Kind]:
        return {column: kind_named(kind or "json") for column, kind in self.kinds.items()}

    def row(self, said: Said) -> dict[str, Any]:
        """The replica's row as its owner has said, ready for JSON."""
        content = {
            column: plain(value)
            for column, value in zip(self.columns, self.values(said.data), strict=True)
        }
        values = [content[column] for column in self.written]
        about = {
            "version": said.aggregateversion,
            "content_hash": hash_of(said.data.retired, values, [*self.written.values()]),
            "event_id": said.id,
            "retired_at": said.time.isoformat() if said.data.retired else None,
        }
        return {"key": said.subject, **about, **content}


replications: dict[str, Replication] = {}  # by aggregate
# two replicas of one aggregate: a system check reports them
clashes: list[tuple[type[Replica], type[Replica]]] = []


@receiver(class_prepared)
def _register(sender: type[models.Model], **options: Any) -> None:
    if issubclass(sender, Replica) and sender.replica_of and not sender._meta.proxy:
        known = replications.setdefault(sender.replica_of, _replication(sender))
        if known.model is not sender:
            clashes.append((known.model, sender))


def _replication(model: type[Replica]) -> Replication:
    columns = tuple(
        str(field.column)
        for field in model._meta.concrete_fields
        if field.column not in OWN_COLUMNS
    )
    sources = [model.paths.get(column, column) for column in columns]
    getter = attrgetter(*sources) if sources else lambda state: ()
    values = (lambda state: (getter(state),)) if len(sources) == 1 else getter
    return Replication(model, model.replica_of, columns, values, where_of(model))


def where_of(model: type[Replica]) -> tuple[tuple[str, frozenset[Any]], ...]:
    """By which members of the public state it keeps only some, each with the values."""
    return tuple((path, _several(allowed)) for path, allowed in sorted(model.where.items()))


def _several(values: Any) -> frozenset[Any]:
    is_one = isinstance(values, str) or not isinstance(values, Iterable)
    return frozenset([values] if is_one else values)


def event_class(replication: Replication) -> type[Event]:
    """Any event of the aggregate: all of them carry its state."""
    return next(
        kind
        for kind in Event.known.values()
        if f"{kind.service}.{kind.aggregate}" == replication.aggregate
    )


def publishers() -> list[str]:
    """The services whose events this one takes: those of which it keeps replicas."""
    return sorted({replication.publisher for replication in replications.values()})


def plain(value: Any) -> Any:
    """A value of a public state, as its JSON has it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


this_service.publishers = publishers
