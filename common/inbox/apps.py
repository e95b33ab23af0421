from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "common.inbox"
    label = "inbox"

    def ready(self) -> None:
        from common.inbox import checks, settling_checks  # noqa: F401  (registers them)
