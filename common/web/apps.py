from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "common.web"
    label = "web"
