from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class EffectsConfig(AppConfig):
    name = "polder.effects"
    label = "polder_effects"
    verbose_name = "Events"

    def ready(self) -> None:
        from polder.effects import checks, retention  # noqa: F401  (registers them)

        autodiscover_modules("effects")
