"""The guard in the database: put there after every migration, and compared with what is declared.

What is declared is made by the code of this version; so a new version of it, a new public column, a
renamed table and another mode all come into force with the next `migrate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, transaction

from polder import this_service
from polder.domain.aggregate import aggregates
from polder.outbox.guard.sql import NAMES, SETTING, Guard, Mode, guard_of

# digest by table and trigger; '' for one that somebody switched off, or left on for replicas only
_FOUND = """
SELECT relname, tgname, CASE WHEN tgenabled IN ('D', 'R') THEN ''
    ELSE coalesce(obj_description(pg_trigger.oid, 'pg_trigger'), '') END
FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE relnamespace = 'public'::regnamespace AND tgname LIKE %s
    AND tgparentid = 0 -- those of a partition are its table's
"""
_ROLE = "SHOW session_replication_role"
_SWITCHED_OFF = "SELECT current_setting(%s, true) = 'off'"
_THERE = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = ANY(%s)
"""
_NEEDED = ("polder_outbox", "polder_outbox_guardfinding")

Triggers = dict[str, dict[str, str]]


def install(*, using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Receiver of Django's `post_migrate`. Does nothing where all is as declared; else a
    transaction for each table, with a lock on it for a moment."""
    if using != DEFAULT_DB_ALIAS or connection.vendor != "postgresql":
        return
    declared, found = _declared(), _found()
    for table in sorted(declared.keys() | found.keys()):
        guard = declared.get(table)
        if _digests(guard) != found.get(table, {}):
            with transaction.atomic():
                _replace(table, guard, found.get(table, {}))


def differences() -> Iterator[str]:
    """What of the database's guard is not as declared, one sentence for each."""
    yield from of_tables()
    yield from of_session()


def of_session() -> Iterator[str]:
    """What keeps the guard from what this session writes."""
    if not _declared():
        return
    if not _fires():
        yield "no trigger fires: session_replication_role is set to replica"
    if _is_switched_off():
        yield f"{SETTING} is set to off for this session, as by its role or database"


def of_tables() -> Iterator[str]:
    """What `migrate` would put right, one sentence for each table."""
    declared, found = _declared(), _found()
    for table in sorted(declared.keys() | found.keys()):
        wanted, there = _digests(declared.get(table)), found.get(table, {})
        if missing := sorted(wanted.keys() - there.keys()):
            yield f"{table} has no {', '.join(missing)}"
        elif off := sorted(name for name, digest in there.items() if not digest):
            yield f"{', '.join(off)} of {table} is switched off"
        elif wanted != there:
            yield f"the guard of {table} is another than the one declared"


def _declared() -> dict[str, Guard]:
    """By table; of those that there are."""
    mode = Mode(this_service.guard())
    if mode is Mode.OFF:
        return {}
    models = aggregates().values()
    tables = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        cursor.execute(_THERE, [[*_NEEDED, *tables]])
        there = {name for (name,) in cursor.fetchall()}
    if not there.issuperset(_NEEDED):
        return {}
    return {
        model._meta.db_table: guard_of(model, mode)
        for model in models
        if model._meta.db_table in there
    }


def _digests(guard: Guard | None) -> dict[str, str]:
    return dict.fromkeys(guard.triggers, guard.digest) if guard else {}


def _fires() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_ROLE)
        return bool(cursor.fetchone()[0] != "replica")


def _is_switched_off() -> bool:
    """Beside `unguarded`, which ends with its transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_SWITCHED_OFF, [SETTING])
        return bool(cursor.fetchone()[0])


def _found() -> Triggers:
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, [NAMES.replace("_", r"\_")])
        found: Triggers = {}
        for table, trigger, digest in cursor.fetchall():
            found.setdefault(table, {})[trigger] = digest
        return found


def _replace(table: str, guard: Guard | None, there: dict[str, str]) -> None:
    drops = [f'DROP TRIGGER "{name}" ON public."{table}"' for name in sorted(there)]
    creates = [] if guard is None else [guard.functions, *guard.triggers.values()]
    comments = [
        f"COMMENT ON TRIGGER {name} ON public.\"{table}\" IS '{digest}'"
        for name, digest in _digests(guard).items()
    ]
    with connection.cursor() as cursor:
        for statement in (*drops, *creates, *comments):
            cursor.execute(statement)
