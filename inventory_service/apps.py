from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "inventory_service"
    label = "inventory"

    def ready(self) -> None:
        from inventory_service import settle  # noqa: F401  (registers the settle functions)
