from django.apps import AppConfig


class ReplicationConfig(AppConfig):
    name = "polder.replication"
    label = "polder_replication"
    verbose_name = "Replicas"

    def ready(self) -> None:
        from polder.replication import checks, freshness, retention  # noqa: F401  (registers them)
