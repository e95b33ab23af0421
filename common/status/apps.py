from django.apps import AppConfig


class StatusConfig(AppConfig):
    name = "common.status"
    label = "status"
