from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "polder.api"
    label = "polder_api"
    verbose_name = "Access"

    def ready(self) -> None:
        from polder.api import retention  # noqa: F401  (registers its retention)
