from django.apps import AppConfig


class ShippingConfig(AppConfig):
    name = "shipping_service"
    label = "shipping"

    def ready(self) -> None:
        from shipping_service import settle  # noqa: F401  (registers the settle functions)
