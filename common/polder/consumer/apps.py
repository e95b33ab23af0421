from django.apps import AppConfig


class ConsumerConfig(AppConfig):
    name = "polder.consumer"
    label = "polder_consumer"

    def ready(self) -> None:
        from polder.consumer import checks  # noqa: F401  (registers them)
