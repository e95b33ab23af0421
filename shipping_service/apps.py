from django.apps import AppConfig


class ShippingConfig(AppConfig):
    name = "shipping_service"
    label = "shipping"
