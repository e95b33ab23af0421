"""The floor: a position below which every event is known to be published, so that the relay need
not look there.

The index of unpublished rows keeps an entry for each row that was published, until the oldest
snapshot in the database is gone: while a backup or a report runs, for hours. A poll that began at
the index's head would walk over all of them.

Why nothing is skipped. The floor is raised to `drawn + 1` at most, and never beyond a row that is
unpublished:

1. `drawn` is read from the sequence first, and then who is writing to the outbox. Whoever has drawn
   a position up to `drawn` had the table's lock before, and is among the writers until it has
   ended. Only when all of them have ended is the floor raised: what they drew is visible by then,
   or never will be. A position may thus be drawn early and committed late; until it is, the floor
   stays.
2. A published row may become unpublished again (announced again, released by an operator, edited by
   hand). A trigger then lowers the floor, and holds a lock until its transaction has ended. The
   floor is raised under the same lock, by what is visible after that lock was had. So no such row
   is overlooked for not being committed yet.
3. A floor ahead of the sequence (which somebody has set back) counts as none. While the sequence
   has a CACHE, sessions have positions in store, and the floor stays where it is.

The floor is the value of a sequence and not of a row: a row would itself gather versions while that
snapshot is open. A copy of the database that was not made at one moment may hold a floor that is
too high for its rows; `CHECK` finds that.
"""

from __future__ import annotations

_OWNERS = "SECURITY DEFINER SET search_path = public, pg_temp"

FLOOR_SQL = f"""
CREATE SEQUENCE polder_outbox_floor AS bigint MINVALUE 0 START 0;

CREATE FUNCTION polder_outbox_floor() RETURNS bigint LANGUAGE sql STABLE {_OWNERS} AS $$
    SELECT CASE WHEN floor.last_value <= drawn.last_value + 1 THEN floor.last_value ELSE 0 END
    FROM polder_outbox_floor AS floor, polder_outbox_position_seq AS drawn
$$;

CREATE FUNCTION polder_outbox_lower_floor() RETURNS trigger LANGUAGE plpgsql {_OWNERS} AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('polder_outbox_floor'));
    IF NEW.position < (SELECT last_value FROM polder_outbox_floor) THEN
        PERFORM setval('polder_outbox_floor', NEW.position);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER polder_outbox_unpublished_again AFTER UPDATE ON polder_outbox FOR EACH ROW
    WHEN (NEW.published_at IS NULL AND NEW.held_at IS NULL AND (OLD.published_at IS NOT NULL
        OR OLD.held_at IS NOT NULL))
    EXECUTE FUNCTION polder_outbox_lower_floor();

CREATE FUNCTION polder_outbox_raise_floor(INOUT drawn bigint, INOUT writers text[])
    LANGUAGE plpgsql {_OWNERS} AS $$
DECLARE
    lowest bigint;
BEGIN
    IF drawn IS NOT NULL THEN
        IF EXISTS (SELECT FROM pg_locks WHERE relation = 'polder_outbox'::regclass
            AND virtualtransaction = ANY (writers)) THEN
            RETURN;
        END IF;
        IF (SELECT seqcache > 1 FROM pg_sequence
            WHERE seqrelid = 'polder_outbox_position_seq'::regclass) THEN
            drawn := NULL;
            writers := '{{}}';
            RETURN;
        END IF;
        IF pg_try_advisory_xact_lock(hashtext('polder_outbox_floor')) THEN
            SELECT position INTO lowest FROM polder_outbox
            WHERE published_at IS NULL AND held_at IS NULL
                AND position >= polder_outbox_floor() ORDER BY position LIMIT 1;
            lowest := least(lowest, drawn + 1);
            PERFORM setval('polder_outbox_floor', lowest) WHERE lowest <> (SELECT last_value
                FROM polder_outbox_floor);
        END IF;
    END IF;
    SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END INTO drawn
        FROM polder_outbox_position_seq;
    SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{{}}') INTO writers FROM pg_locks
    WHERE relation = 'polder_outbox'::regclass AND mode = 'RowExclusiveLock' AND pid IS DISTINCT
        FROM pg_backend_pid();
END $$;

CREATE FUNCTION polder_outbox_check_floor() RETURNS bigint LANGUAGE plpgsql {_OWNERS} AS $$
DECLARE
    lowest bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('polder_outbox_floor'));
    SELECT position INTO lowest FROM polder_outbox
    WHERE published_at IS NULL AND held_at IS NULL AND position < polder_outbox_floor()
        ORDER BY position LIMIT 1;
    PERFORM setval('polder_outbox_floor', lowest) WHERE lowest IS NOT NULL;
    RETURN lowest;
END $$;
"""

# The condition of whoever reads what is unpublished.
ABOVE_FLOOR = "position >= (SELECT polder_outbox_floor())"
# Since when a row waits to be published: since it was announced again or released, if it was.
WAITS_SINCE = "greatest(created_at, CASE WHEN attempts = 0 THEN retry_at END)"
RAISE = "SELECT drawn, writers FROM polder_outbox_raise_floor(%s, %s)"
CHECK = "SELECT polder_outbox_check_floor()"
