"""The guard in SQL. All names are qualified, so that nothing of the session that writes changes
what it does.

`publish()` notes what it announces in a setting of the transaction (`ANNOUNCED`), which goes with
it and with its savepoints. That spares the usual case a look into every week of the outbox; what is
not noted is looked for there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from django.db import connection, models

from polder.domain.aggregate import Aggregate, aggregate_name, public_columns

SETTING = "polder.guard"  # 'off' while the guard lets pass, until the transaction ends
ANNOUNCED = "polder.announced"  # a line for each event of the transaction
NAMES = "polder_guard_%"
_ONE_LINE = str.maketrans("\n\r", "  ")
_STANDS = f"pg_catalog.current_setting('{SETTING}', true) IS DISTINCT FROM 'off'"
_OWNERS = "SECURITY DEFINER SET search_path = public, pg_temp"


class Mode(StrEnum):
    REFUSE = "refuse"
    REPORT = "report"  # written down, logged, counted, and let pass
    OFF = "off"


# Arguments of the triggers: aggregate, mode, column of the key, columns that are not public.
FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION public.polder_guard_found(mode text, aggregate text, key text,
    version bigint, what text, told text, hint text) RETURNS void LANGUAGE plpgsql {_OWNERS} AS $$
BEGIN
    IF mode = 'report' THEN
        INSERT INTO polder_outbox_guardfinding (aggregate, key, version, what, told, role, program,
            found_at)
        VALUES (aggregate, key, version, what, left(told, 500), session_user,
            current_setting('application_name'), clock_timestamp());
        RAISE WARNING 'polder guard: % % %', aggregate, key, told;
    ELSE
        RAISE EXCEPTION '% %: %', aggregate, key, told USING ERRCODE = '23000', HINT = hint;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION public.polder_guard_unraised() RETURNS trigger LANGUAGE plpgsql
    {_OWNERS} AS $$
DECLARE
    was CONSTANT jsonb := to_jsonb(OLD) - TG_ARGV[3]::text[];
    is_now CONSTANT jsonb := to_jsonb(NEW) - TG_ARGV[3]::text[];
    changed text;
BEGIN
    IF NEW.version < OLD.version THEN
        PERFORM polder_guard_found(TG_ARGV[1], TG_ARGV[0], to_jsonb(NEW) ->> TG_ARGV[2],
            NEW.version, 'lowered', format('its version went down from %s to %s', OLD.version,
            NEW.version), 'A version only rises: others would take no event of it any more.');
    ELSIF was IS DISTINCT FROM is_now THEN
        SELECT string_agg(name, ', ' ORDER BY name) INTO changed FROM jsonb_object_keys(is_now)
            AS name WHERE is_now -> name IS DISTINCT FROM was -> name;
        PERFORM polder_guard_found(TG_ARGV[1], TG_ARGV[0], to_jsonb(OLD) ->> TG_ARGV[2],
            NEW.version, 'unraised', format('%s changed, and the version stayed %s', changed,
            NEW.version), 'Others believe what the last event said. Use its use case, or: lock the '
            'row, change() or move_to(), save_changed(), publish() the event of it.');
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION public.polder_guard_deleted() RETURNS trigger LANGUAGE plpgsql
    {_OWNERS} AS $$
BEGIN
    PERFORM polder_guard_found(TG_ARGV[1], TG_ARGV[0], to_jsonb(OLD) ->> TG_ARGV[2], OLD.version,
        'deleted', format('it was deleted at version %s', OLD.version), 'Others would keep it for '
        'ever. Owners retire: a use case that marks the row, and publish() with retired=True.');
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION public.polder_guard_look(aggregate text, mode text, the_key text,
    the_version bigint, of_table regclass, key_column text) RETURNS void LANGUAGE plpgsql
    {_OWNERS} AS $$
DECLARE
    by_now bigint;
BEGIN
    IF EXISTS (SELECT FROM polder_outbox WHERE subject = the_key AND aggregate_type = aggregate
        AND version = the_version) THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT version FROM %s WHERE %I::text = $1', of_table, key_column) INTO by_now
        USING the_key;
    IF by_now > the_version THEN
        RETURN; -- nobody ever saw this one; the last one is looked at by itself
    END IF;
    PERFORM polder_guard_found(mode, aggregate, the_key, the_version, 'unannounced', format(
        'version %s has no event in the outbox', the_version),
        'Others would never hear of it. publish() its event in the same transaction.');
END $$;
"""


@dataclass(frozen=True)
class Guard:
    """Of one table, what there has to be: triggers by their names, and the functions they call."""

    table: str
    functions: str
    triggers: dict[str, str]

    @property
    def digest(self) -> str:
        """Stands as a comment on each trigger, so that a look tells whether it is this one."""
        whole = "\n".join([self.functions, *self.triggers.values()])
        return hashlib.sha256(whole.encode()).hexdigest()


def guard_of(model: type[Aggregate], mode: Mode) -> Guard:
    table, key = model._meta.db_table, _key_of(model)
    columns = {field.column for field in model._meta.concrete_fields}
    private = ",".join(sorted(f'"{name}"' for name in columns - public_columns(model)))
    arguments = f"'{aggregate_name(model)}', '{mode}', '{key.column}', '{{{private}}}'"
    announced = f"polder_guard_of_{hashlib.sha256(table.encode()).hexdigest()[:12]}"
    on = f'ON public."{table}"'
    late = f"{on} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN"
    then = f"EXECUTE FUNCTION public.{announced}({arguments})"
    triggers = {
        "polder_guard_unraised": f"AFTER UPDATE {on} FOR EACH ROW WHEN (NEW.version <= OLD.version "
        f"AND {_STANDS}) EXECUTE FUNCTION public.polder_guard_unraised({arguments})",
        "polder_guard_deleted": f"AFTER DELETE {on} FOR EACH ROW WHEN ({_STANDS}) "
        f"EXECUTE FUNCTION public.polder_guard_deleted({arguments})",
        "polder_guard_inserted": f"AFTER INSERT {late} ({_STANDS}) {then}",
        "polder_guard_raised": f"AFTER UPDATE {late} (NEW.version > OLD.version AND "
        f"{_STANDS}) {then}",
    }
    created = {
        name: f"CREATE {'CONSTRAINT ' if 'DEFERRABLE' in rest else ''}TRIGGER {name} {rest}"
        for name, rest in triggers.items()
    }
    return Guard(table, FUNCTIONS + _announced_sql(announced, model, key), created)


def line(aggregate: str, version: int, key: str) -> str:
    """What `publish()` notes of an event; the function below puts the same together."""
    return f"\n{aggregate} {version} {key.translate(_ONE_LINE)}\n"


def _announced_sql(function: str, model: type[Aggregate], key: models.Field[object, object]) -> str:
    """One for each table: a function for all of them could read the key only from JSON, which takes
    longer than all the rest."""
    column = f'"{key.column}"'
    is_text = "char" in (key.rel_db_type(connection) or "") or key.rel_db_type(connection) == "text"
    spelled = f"pg_catalog.translate(NEW.{column}, E'\\n\\r', '  ')" if is_text else f"NEW.{column}"
    return f"""
CREATE OR REPLACE FUNCTION public.{function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.{column} IS DISTINCT FROM NEW.{column} THEN
        PERFORM public.polder_guard_found(TG_ARGV[1], TG_ARGV[0], OLD.{column}::text, OLD.version,
            'deleted', 'its key changed', 'Others would keep the old one for ever. Retire it, '
            'make another, and publish() both.');
    ELSIF pg_catalog.strpos(pg_catalog.current_setting('{ANNOUNCED}', true), pg_catalog.concat(
        E'\\n{aggregate_name(model)} ', NEW.version, ' ', {spelled}, E'\\n'))
        OPERATOR(pg_catalog.>) 0 THEN
        RETURN NULL;
    ELSE
        PERFORM public.polder_guard_look(TG_ARGV[0], TG_ARGV[1], NEW.{column}::text, NEW.version,
            TG_RELID, TG_ARGV[2]);
    END IF;
    RETURN NULL;
END $$;
"""


def _key_of(model: type[Aggregate]) -> models.Field[object, object]:
    key = model._meta.pk
    assert key is not None
    return key
