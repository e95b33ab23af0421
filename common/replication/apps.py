from django.apps import AppConfig


class ReplicationConfig(AppConfig):
    name = "common.replication"
    label = "replication"

    def ready(self) -> None:
        from common.replication import checks  # noqa: F401  (registers them)
