from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "common.outbox"
    label = "outbox"

    def ready(self) -> None:
        from common.outbox import checks, retention  # noqa: F401  (registers them)
