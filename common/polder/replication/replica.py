"""Replicas: local copies of what others decided. A service declares of which aggregate, and the
fields that it needs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, ClassVar, Protocol
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.signals import class_prepared
from django.dispatch import receiver
from pydantic import BaseModel

from polder.contracts.event import State


class Replica(models.Model):
    """Base of replicas: `class Product(Replica, of="inventory.product", price="price.amount")`
    keeps a row of each product.

    `where={"status": ("confirmed", "shipped")}` keeps only those of which each named member of the
    public state has one of the values; a row that stops matching leaves, and is as if it had never
    been here.

    With `where={"status": ("confirmed", "shipped")}` only of those of which each named member of
    the public state has one of the values: a row that stops matching leaves.

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
        return self.declared | ({"(where)": _canonical(where)} if where else {})

    def keeps(self, state: Any) -> bool:
        """Whether an aggregate of this public state belongs into the replica."""
        return all(attrgetter(path)(state) in values for path, values in self.where)

    def row(self, said: Said) -> dict[str, Any]:
        """The replica's row as its owner has said, ready for JSON."""
        content = {
            column: _plain(value)
            for column, value in zip(self.columns, self.values(said.data), strict=True)
        }
        about = {
            "version": said.aggregateversion,
            "content_hash": content_hash(content | {"retired": said.data.retired}),
            "event_id": said.id,
            "retired_at": said.time.isoformat() if said.data.retired else None,
        }
        return {"key": said.subject, **about, **content}


_canonical = DjangoJSONEncoder(sort_keys=True, separators=(",", ":")).encode


def content_hash(content: dict[str, Any]) -> str:
    """128 bits over the canonical JSON (sorted keys, no spaces) of a row's content."""
    return hashlib.md5(_canonical(content).encode(), usedforsecurity=False).hexdigest()


replications: dict[str, Replication] = {}  # by aggregate
# two replicas of one aggregate: a system check reports them
clashes: list[tuple[type[Replica], type[Replica]]] = []


@receiver(class_prepared)
def _register(sender: type[models.Model], **options: Any) -> None:
    if issubclass(sender, Replica) and sender.replica_of:
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
    where = tuple((path, _several(allowed)) for path, allowed in sorted(model.where.items()))
    return Replication(model, model.replica_of, columns, values, where)


def _several(values: Any) -> frozenset[Any]:
    is_one = isinstance(values, str) or not isinstance(values, Iterable)
    return frozenset([values] if is_one else values)


def publishers() -> list[str]:
    """The services whose events this one takes: those of which it keeps replicas."""
    return sorted({replication.publisher for replication in replications.values()})


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
