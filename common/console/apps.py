from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "common.console"
    label = "console"

    def ready(self) -> None:
        from common.console import retention  # noqa: F401  (registers what it forgets)
