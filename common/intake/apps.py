from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "common.intake"
    label = "intake"
