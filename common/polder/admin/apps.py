from django.apps import AppConfig


class AdminConfig(AppConfig):
    name = "polder.admin"
    label = "polder_admin"
    verbose_name = "Operators"

    def ready(self) -> None:
        from polder.admin import checks, retention  # noqa: F401  (registers them)
