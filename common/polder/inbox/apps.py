from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class InboxConfig(AppConfig):
    name = "polder.inbox"
    label = "polder_inbox"
    verbose_name = "Events"

    def ready(self) -> None:
        from polder.inbox import checks, retention  # noqa: F401  (registers them)
        from polder.reconcile import checks as reconciler_checks  # noqa: F401

        autodiscover_modules("reconcile")
