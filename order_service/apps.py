from django.apps import AppConfig


class OrderConfig(AppConfig):
    name = "order_service"
    label = "order"
