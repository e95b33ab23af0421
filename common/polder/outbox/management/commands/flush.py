from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.core.management.commands.flush import Command as Flush
from django.db import connections

from polder.process.command import ServiceCommand


class Command(ServiceCommand, Flush):
    """Django's, which passes over tables that only migrations know: outbox and ledger would tell of
    rows that are gone. Tests that commit are tidied up by it."""

    help = "Removes all data of the service from its database. Its neighbours keep what they have."
    examples = ("manage.py order flush",)

    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]

        def also_ours(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            """In the transaction in which Django empties the others, if it does."""
            if sql.startswith("TRUNCATE ") and (tables := _tables(connection)):
                names = ", ".join(map(connection.ops.quote_name, tables))
                execute(f"TRUNCATE {names}", *rest)
            return execute(sql, *rest)

        with connection.execute_wrapper(also_ours):
            super().handle(**options)


def _tables(connection: Any) -> list[str]:
    """Of the library, those that Django does not manage."""
    models = [
        model
        for config in apps.get_app_configs()
        if config.name.startswith("polder.")
        for model in config.get_models()
    ]
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
    return sorted(
        one._meta.db_table
        for one in models
        if not one._meta.managed and one._meta.db_table in there
    )
