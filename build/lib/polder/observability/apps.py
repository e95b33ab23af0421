from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ObservabilityConfig(AppConfig):
    name = "polder.observability"
    label = "polder_observability"

    def ready(self) -> None:
        autodiscover_modules("conditions")
