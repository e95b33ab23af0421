from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from polder import this_service


class OutboxConfig(AppConfig):
    name = "polder.outbox"
    label = "polder_outbox"

    def ready(self) -> None:
        autodiscover_modules("contracts")
        for module in this_service.contracts():
            import_module(module)
        from polder.outbox import checks, retention  # noqa: F401  (registers them)
