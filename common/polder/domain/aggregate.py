"""What a service owns: rows with a version that rises by one with every change, under the row's
lock, never otherwise."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Self, TypeVar

from django.apps import apps
from django.db import connection, models
from django.db.models.functions import Now

from polder.contracts.event import Event, State, events_of
from polder.database.prepared import power_of_two
from polder.domain.exact import ExactEncoder, written
from polder.domain.states import Moves

A = TypeVar("A", bound="Aggregate")


class StaleAggregate(RuntimeError):
    """A row changed between being read and being written: it was read without its lock."""


class Aggregate(models.Model):
    """Base of owned models. A change is: lock the row, `change()` or `move_to()`, `save_changed()`,
    `publish()` the event of it."""

    contract: ClassVar[type[Event]]  # the base class of its events
    # Fields that no event carries; the guard lets them change without a new version.
    private: ClassVar[Collection[str]] = ()

    version = models.BigIntegerField(default=1, editable=False)
    # both by the database's clock: deadlines go by it
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    stored_version: int = 0

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        super().save(*args, **options)
        self.stored_version = self.version

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **options: Any
    ) -> Self:
        instance = super().from_db(db, field_names, values, **options)
        instance.stored_version = instance.version
        return instance

    def refresh_from_db(self, *args: Any, **options: Any) -> None:
        super().refresh_from_db(*args, **options)
        self.stored_version = self.version

    @property
    def subject(self) -> str:
        return str(self.pk)

    def public_state(self) -> State:
        """The whole state that others may know, as the contract has it."""
        raise TypeError(f"{type(self).__name__} defines no public state")

    def announcement(self) -> Event:
        """The event that says what it is now, whatever it became that by. Raises TypeError when its
        contract has several and the model does not say which."""
        kinds = events_of(self.contract)
        if len(kinds) != 1:
            raise TypeError(f"{type(self).__name__}.announcement() has to say which event it is")
        return kinds[0].of(self)

    def change(self, **values: object) -> None:
        """Sets fields and raises the version by one; writes nothing yet."""
        for name, value in values.items():
            setattr(self, name, value)
        self.version += 1


class StatefulAggregate(Aggregate):
    """An aggregate with a state machine: `status` moves only through `move_to`, and each move is
    told by one event."""

    moves: ClassVar[Moves[Any]]
    status: models.CharField[str, str]

    class Meta:
        abstract = True

    def move_to(self, status: str, **values: object) -> None:
        """The only way to another status. Raises IllegalMove."""
        self.moves.check(self.status, status)
        self.change(status=status, **values)

    def status_event(self) -> Event:
        """The event that says to which status it has come; to be made before it moves on."""
        return self.event_of(self.status).of(self)

    def announcement(self) -> Event:
        return self.status_event()

    @classmethod
    def event_of(cls, status: str) -> type[Event]:
        """The event that announces this status. Raises KeyError when none does."""
        return _events_by_status(cls.contract)[status]


@cache
def _events_by_status(contract: type[Event]) -> Mapping[str, type[Event]]:
    return {kind.status: kind for kind in events_of(contract) if kind.status is not None}


@cache
def aggregates() -> dict[str, type[Aggregate]]:
    """The models that this service owns, by their names in events; a proxy is none of them."""
    owned = [model for model in apps.get_models() if issubclass(model, Aggregate)]
    return {aggregate_name(model): model for model in owned if not model._meta.proxy}


def aggregate_name(model: type[models.Model]) -> str:
    """What its events call it; nothing for a model that others never hear of."""
    return model.contract.aggregate if issubclass(model, Aggregate) else ""


def public_columns(model: type[Aggregate]) -> set[str]:
    """Those of which others hear: all but the version, the times that every row has, and what the
    model declares private."""
    silent = {"version", "created_at", "updated_at", *model.private}
    return {str(field.column) for field in model._meta.concrete_fields if field.name not in silent}


def save_changed(aggregates: Sequence[A], *fields: str) -> None:
    """Writes version, `updated_at` and `fields` of all of them in one statement, by compare-and-set
    of the version.

    Takes aggregates of one model that were read under their locks and changed since, in any number
    of steps. Raises StaleAggregate when one was not as it had been read; the transaction must then
    be rolled back.
    """
    if not aggregates:
        return
    model = type(aggregates[0])
    columns = [
        (str(field.column), field) for field in model._meta.concrete_fields if field.name in fields
    ]
    key = model._meta.pk
    assert key is not None
    rows = [
        {"_key": row.pk, "_was": row.stored_version, "_version": row.version}
        | {name: written(field, row) for name, field in columns}
        for row in aggregates
    ]
    sets = "".join(f'"{name}" = new."{name}", ' for name, _ in columns)
    types = "".join(f', "{name}" {field.db_type(connection)}' for name, field in columns)
    key_type = key.rel_db_type(connection)
    with connection.cursor() as cursor:
        # without the limit it is planned for a hundred rows, and the whole table is read
        cursor.execute(
            f"""
            UPDATE "{model._meta.db_table}" AS old SET {sets} version = new._version,
                updated_at = statement_timestamp()
            FROM (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS new(_key {key_type}, _was bigint,
                _version bigint{types}) LIMIT {power_of_two(len(rows))}) AS new
            WHERE old."{key.column}" = new._key AND old.version = new._was
            """,
            [json.dumps(rows, cls=ExactEncoder)],
        )
        if cursor.rowcount != len(aggregates):
            raise StaleAggregate(
                f"{len(aggregates) - cursor.rowcount} of {len(aggregates)} "
                f"{model._meta.verbose_name_plural} had changed"
            )
    for row in aggregates:
        row.stored_version = row.version
