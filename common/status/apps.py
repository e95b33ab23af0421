from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class StatusConfig(AppConfig):
    name = "common.status"
    label = "status"

    def ready(self) -> None:
        autodiscover_modules("conditions")
