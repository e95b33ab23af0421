from django.apps import AppConfig


class BrokerConfig(AppConfig):
    name = "common.broker"
    label = "broker"

    def ready(self) -> None:
        from common.configuration import checks  # noqa: F401  (registers the check)
