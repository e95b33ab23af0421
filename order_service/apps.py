from django.apps import AppConfig


class OrderConfig(AppConfig):
    name = "order_service"
    label = "order"

    def ready(self) -> None:
        from order_service import settle  # noqa: F401  (registers the settle functions)
