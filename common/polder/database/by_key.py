"""Reading rows by their keys, as each batch does several times, with a statement that Django makes
once: making it takes two to four times as long as reading a few rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from threading import local
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.db.transaction import TransactionManagementError

from polder.database.locking import lock_rows_by, locking
from polder.database.prepared import power_of_two

M = TypeVar("M", bound=models.Model)
Row = TypeVar("Row")
_KEY = object()  # in the place of each, in what Django makes


class ByKey(Generic[M, Row]):
    """The rows of a queryset that have one of the keys: what `rows.filter(pk__in=keys)` would have.

    To be made once, beside the function that reads. Keys may be given as text.
    """

    def __init__(self, rows: models.QuerySet[M, Row]) -> None:
        self._rows = rows
        self._read, self._lock = _Statement(rows), _Statement(locking(rows))

    def __call__(self, keys: Collection[Any]) -> list[Row]:
        return self._read(keys) if keys else []

    def locked(
        self, keys: Collection[Any], needed_by: Mapping[Any, Collection[Any]] | None = None
    ) -> list[Row]:
        """Models, locked, in the order of their keys; see `lock_rows`. Inside a transaction."""
        if not keys:
            return []
        if not connection.in_atomic_block:
            raise TransactionManagementError("what is locked outside a transaction is free at once")
        return lock_rows_by(
            lambda: self._lock(keys), lambda: self._rows.filter(pk__in=keys), needed_by
        )


class _Statement(local):
    """Of each thread, since one reads at a time."""

    def __init__(self, rows: models.QuerySet[Any, Any]) -> None:
        self._rows = rows
        self._for_so_many: dict[int, _Made] = {}

    def __call__(self, keys: Collection[Any]) -> list[Any]:
        number = power_of_two(len(keys))  # the last key is said as often as it takes
        made = self._for_so_many.get(number)
        if made is None:
            made = self._for_so_many[number] = _Made(self._rows, number)
        prepared = self._rows.model._meta.pk.get_db_prep_value
        given = [prepared(key, connection) for key in keys]
        return made.read([*given, *[given[-1]] * (number - len(given))])


class _Made:
    """Django's own reading of a queryset, but for the text, which it makes once."""

    def __init__(self, rows: models.QuerySet[Any, Any], number: int) -> None:
        self._queryset = rows.filter(_IsOneOf(number))
        query: Any = self._queryset.query
        # a stand-in: nothing of the thread's own connection is kept here
        compiler = query.get_compiler(connection=connection)
        self._sql, self._values = compiler.as_sql()
        self._place = list(self._values).index(_KEY)
        self._beyond = self._place + number
        compiler.as_sql = lambda: (self._sql, self._values)
        query.get_compiler = lambda using: compiler

    def read(self, keys: list[Any]) -> list[Any]:
        self._values = (*self._values[: self._place], *keys, *self._values[self._beyond :])
        read: Any = self._queryset._iterable_class(self._queryset)
        return list(read)


class _IsOneOf(models.Func):
    """`pk IN (...)`, with that many places for keys. Not `= ANY(...)` with one array: planned while
    a table is small, it reads through all of it ever after."""

    def __init__(self, number: int) -> None:
        super().__init__(models.F("pk"), output_field=models.BooleanField())
        self.number = number

    def as_sql(self, compiler: Any, *_: Any, **__: Any) -> tuple[str, Any]:
        key, values = compiler.compile(self.get_source_expressions()[0])
        places = ", ".join(["%s"] * self.number)
        return f"{key} IN ({places})", [*values, *[_KEY] * self.number]
