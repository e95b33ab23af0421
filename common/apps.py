from django.apps import AppConfig


class ShopConfig(AppConfig):
    """The shop's language: `common.contracts` is found through it."""

    name = "common"
    label = "shop"
