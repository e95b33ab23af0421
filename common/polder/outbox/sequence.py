"""The sequence of the outbox's positions, when it has fallen behind the rows: in a copy of the
database that was not made at one moment."""

from __future__ import annotations

from django.db import connection

SEQUENCE_SQL = """
CREATE FUNCTION polder_outbox_advance_sequence() RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    highest bigint;
    drawn bigint;
BEGIN
    SELECT max(position) INTO highest FROM polder_outbox;
    SELECT last_value INTO drawn FROM polder_outbox_position_seq;
    IF highest > drawn THEN
        PERFORM setval('polder_outbox_position_seq', highest);
        RETURN highest - drawn;
    END IF;
    RETURN 0;
END $$;
"""


def set_behind_the_rows() -> int:
    """Brings the sequence behind the highest position that a row has; by how much, mostly 0. A
    position drawn twice would leave the order of two events open. May run twice, at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT polder_outbox_advance_sequence()")
        return int(cursor.fetchone()[0])
