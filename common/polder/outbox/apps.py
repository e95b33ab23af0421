from importlib import import_module

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.module_loading import autodiscover_modules

from polder import database_connection, this_service


class OutboxConfig(AppConfig):
    name = "polder.outbox"
    label = "polder_outbox"

    def ready(self) -> None:
        autodiscover_modules("contracts")
        for module in this_service.contracts():
            import_module(module)
        connection_created.connect(database_connection.look, dispatch_uid="polder")
        from polder.outbox import checks, retention  # noqa: F401  (registers them)
