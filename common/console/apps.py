from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "common.console"
    label = "console"
