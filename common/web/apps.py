from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "common.web"
    label = "web"

    def ready(self) -> None:
        from common.web import retention  # noqa: F401  (registers what it forgets)
