"""An index for a large table that is in use: made while everybody writes, in a migration of its own with `atomic = False`."""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class AddIndexOnline(AddIndexConcurrently):
    """May be repeated after it was broken off: what an earlier try left behind is dropped first.

    It waits for every transaction that was open when it began, and nobody waits for it; so it has no limit of time.
    """

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState) -> None:
        limits = ("lock_timeout", "statement_timeout")
        for limit in limits:
            schema_editor.execute(f"SET {limit} = 0")
        try:
            schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.index.name}"')
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            for limit in limits:
                schema_editor.execute(f"RESET {limit}")
