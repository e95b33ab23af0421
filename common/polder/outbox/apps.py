from importlib import import_module

from django.apps import AppConfig
from django.core.signals import request_started
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules

from polder import this_service
from polder.database import connection as database_connection


class OutboxConfig(AppConfig):
    name = "polder.outbox"
    label = "polder_outbox"
    verbose_name = "Events"

    def ready(self) -> None:
        autodiscover_modules("contracts")
        for module in this_service.contracts():
            import_module(module)
        connection_created.connect(database_connection.look, dispatch_uid="polder")
        request_started.connect(database_connection.trust_what_is_quiet, dispatch_uid="polder")
        from polder.adopting import watching
        from polder.outbox import checks, retention  # noqa: F401  (registers them)
        from polder.outbox.guard import bypass, install

        connection_created.connect(bypass.listen, dispatch_uid="polder.guard")
        watching.begin()
        post_migrate.connect(install.install, sender=self, dispatch_uid="polder.guard")
