from django.apps import AppConfig


class BrokerConfig(AppConfig):
    name = "polder.broker"
    label = "polder_broker"

    def ready(self) -> None:
        from polder.configuration import checks  # noqa: F401  (registers the check)
