"""What /readyz, the metrics and the overview tell of effects that do not happen."""

from __future__ import annotations

from django.db import connection

from polder.conditions import Finding, condition, fail, ok, warn
from polder.effects import declared
from polder.plural import plural

# Both by a partial index; a lease and the pauses between attempts are no delay.
MOST = 1_000
_FAILED = f"""
SELECT count(*), min(since) FROM (SELECT waiting_since AS since FROM polder_effects_intent
    WHERE state = 'failed' ORDER BY waiting_since LIMIT {MOST}) AS failed
"""
_OVERDUE = """
SELECT due_at, effect FROM polder_effects_intent
WHERE state = 'waiting' AND due_at < clock_timestamp() - interval '5 minutes'
    AND (effect = ANY(%s)) = %s
ORDER BY due_at LIMIT 1
"""
_TRIED_IN_VAIN = """
SELECT effect, error, waiting_since FROM polder_effects_intent
WHERE state = 'waiting' AND attempts > 3 ORDER BY due_at LIMIT 1
"""
NO_END = "its process was lost"  # no error was written down


@condition("effects", runbook="effects")
def effects_happen() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(_FAILED)
        number, since = cursor.fetchone()
        if number:
            one, many = "effect was given up and waits", "effects were given up and wait"
            return fail(f"{plural(number, one, many, MOST)} for an operator", since)
        cursor.execute(_OVERDUE, [list(declared.effects), True])
        if overdue := cursor.fetchone():
            return warn("effects are due and not carried out: does beat run?", overdue[0])
        cursor.execute(_OVERDUE, [list(declared.effects), False])
        if unknown := cursor.fetchone():
            since, name = unknown
            return warn(
                f"this code has no effect {name}: carry it out elsewhere, or skip it", since
            )
        cursor.execute(_TRIED_IN_VAIN)
        if found := cursor.fetchone():
            name, error, since = found
            # the rest may name whom it is for, or a secret of theirs
            kind = error.partition(":")[0] or NO_END
            return warn(f"the effect {name} fails, and is tried again: {kind}", since)
    return ok("effects are carried out")
