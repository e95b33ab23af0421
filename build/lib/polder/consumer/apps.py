from django.apps import AppConfig


class ConsumerConfig(AppConfig):
    name = "polder.consumer"
    label = "polder_consumer"
